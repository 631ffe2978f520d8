# Tenzo: one Makefile; everything that is built goes to $(BUILD).
#   make            library and program            make demo         the main job, small, on 2 ranks
#   make check      every test                     make check-slurm  batch jobs on a cluster of virtual nodes
#   make style      warnings as errors, gcc and clang; formatting (make format); lengths of functions
#   make bench      the benchmark (SHORT=1: under a minute)
#   make bench-accuracy  seconds to an error, beside the peers in JAX (JAX_PYTHON; ACCURACY="--seeds 1 --seconds 10")
#   make fuzz       damaged and malicious files (FUZZ=100 of each kind, FIRST=seed)
#   make memcheck   valgrind and -malloc_dump on a short run
#   make install PREFIX=/usr/local
# `make demo` and `make check` first install what is missing (jobs/deps.sh: apt-get, as root or by sudo).
# Variables: CC (mpicc), CFLAGS, BUILD (build), PREFIX, DESTDIR, SAN=address,undefined (sanitizers), WERROR=1, V=1 (print commands),
# TZ_SHARED (../shared), JAX_PYTHON, TORCH_PYTHON (programs for the benchmark)

SHELL    := /bin/bash
Q        := $(if $(V),,@)
BUILD    ?= build
PREFIX   ?= /usr/local
CFLAGS   ?= -O3 -g
MPICC    ?= mpicc
export TZ_SHARED ?= ../shared
VERSION  := $(shell sed -n 's/.*TZ_VERSION "\(.*\)".*/\1/p' include/tzsys.h)
PKGS     := PETSc hdf5-openmpi gsl zlib
PKGS     := $(shell for p in $(PKGS); do pkg-config --exists $$p 2>/dev/null && echo $$p; done)
WARN     := -Wall -Wextra -Wshadow $(if $(WERROR),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
CPPFLAGS += -Iinclude -D_GNU_SOURCE $(filter-out -D_FORTIFY_SOURCE=2 -Wdate-time,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
ALLFLAGS  = -std=c11 $(CFLAGS) -ffp-contract=off -fno-math-errno -fopenmp -fPIC $(WARN) $(SANFLAGS)
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lopenblas -lm

SRC      := $(filter-out src/main.c $(wildcard src/verb_*.c),$(wildcard src/*.c src/*/*.c src/*/*/*.c meshes/*.c pde/*.c solvers/*.c))
OBJ      := $(SRC:%.c=$(BUILD)/%.o)
PROG     := $(wildcard src/main.c src/verb_*.c)
POBJ     := $(PROG:%.c=$(BUILD)/%.o)
LIB      := $(BUILD)/libtenzo.a
SHLIB    := $(BUILD)/libtenzo.so
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
BENCH    := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))

all: $(LIB) $(SHLIB) $(BUILD)/tenzo

# the kernels are one source, compiled once for each instruction set and chosen when the program starts; always optimised,
# because below -O2 gcc fuses no multiply-adds, on which the sine's argument reduction relies
ISA = $(if $(findstring _avx512,$<),-O3 -mavx512f -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512 -ffp-contract=fast)\
  $(if $(findstring _avx2,$<),-O3 -mavx2 -mfma -ffp-contract=fast)$(if $(findstring _neon,$<),-O3 -ffp-contract=fast)

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D); $(if $(V),,echo '  CC $<')
	$(Q)$(MPICC) $(CPPFLAGS) $(ALLFLAGS) $(ISA) -MMD -MP -c $< -o $@

$(LIB): $(OBJ)
	@rm -f $@; $(if $(V),,echo '  AR $@')
	$(Q)ar rcs $@ $^

format:
	clang-format -i $$(git ls-files '*.c' '*.h' '*.inc')

$(SHLIB): $(OBJ)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(MPICC) -fopenmp -shared -Wl,-Bsymbolic-functions $(SANFLAGS) $^ -o $@ $(LDLIBS)

# against the shared library, found beside the program or in ../lib: so a user's library (-dll_append) and the program have one libtenzo, the whole of it
$(BUILD)/tenzo: $(POBJ) $(SHLIB)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(MPICC) -fopenmp $(SANFLAGS) $(POBJ) -o $@ -L$(BUILD) -ltenzo -Wl,--disable-new-dtags,-rpath,'$$ORIGIN:$$ORIGIN/../lib' $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(MPICC) -fopenmp $(SANFLAGS) $^ -o $@ $(LDLIBS) -lcmocka

$(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(LIB)
	@mkdir -p $(@D); $(if $(V),,echo '  LD $@')
	$(Q)$(MPICC) -fopenmp $(SANFLAGS) $^ -o $@ $(LDLIBS)

$(BUILD)/fuzz/%: $(BUILD)/tests/%.o $(LIB)
	@mkdir -p $(@D); $(if $(V),,echo '  LD $@')
	$(Q)$(MPICC) -fopenmp $(SANFLAGS) $^ -o $@ $(LDLIBS)

tests: $(TESTS)

# what runs the program finds these in its environment: a container is often root, and has fewer cores than ranks
RUN := env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 BUILD=$(BUILD) SAN=$(SAN)

# pkg-config is asked when a Makefile is read: so what needs packages is made by a second make
memcheck: DEPS := dev
check-slurm: DEPS = $(if $(wildcard $(TZ_SHARED)/slurm),slurm)
demo check memcheck check-slurm:
	bash jobs/deps.sh $(DEPS)
	$(MAKE) --no-print-directory run-$@

run-demo: all
	$(RUN) mpirun -n 2 $(BUILD)/tenzo solve -options_file jobs/demo.opts -tz_output $(BUILD)/demo.h5

run-check: all tests
	$(RUN) bash tests/check.sh

run-memcheck: all
	$(RUN) bash tests/memcheck.sh

run-check-slurm: all
	$(RUN) bash tests/slurm.sh

# ratios inside one run; the same step in PyTorch (where the shared folder has the program) and in JAX, where $(TORCH_PYTHON) and $(JAX_PYTHON) have them
TORCH_PYTHON ?= /usr/bin/python3
JAX_PYTHON   ?= python3
PEER         := $(wildcard $(TZ_SHARED)/peers/torch_zo_sg.py)
bench: all $(BENCH)
	$(RUN) mpirun -n 2 --bind-to core $(BUILD)/bench/bench $(if $(SHORT),-short) -json $(BUILD)/bench.json \
	  -jax "$(JAX_PYTHON) tests/bench/peer_jax.py" $(if $(PEER),-torch "$(TORCH_PYTHON) $(PEER)")
	@for b in $(filter-out %/bench %/scaling,$(BENCH)); do $(RUN) SHORT=$(SHORT) $$b || exit 1; done
	$(if $(SHORT),,$(RUN) $(BUILD)/bench/scaling)

bench-accuracy: all
	$(RUN) $(JAX_PYTHON) tests/bench/accuracy.py --json $(BUILD)/accuracy.json $(ACCURACY)

FUZZ  ?= 100
FIRST ?= 0
fuzz: all $(BUILD)/fuzz/fuzz_hdf5
	$(BUILD)/tenzo solve -pde_dim 3 -net_layers 8,8 -net_tt_rank 2 -deriv_type forward -tz_validation_points 50 -tao_max_it 6 -tz_quiet -tz_output $(BUILD)/fuzz/good.h5
	$(RUN) $(BUILD)/fuzz/fuzz_hdf5 -model $(BUILD)/fuzz/good.h5 -work $(BUILD)/fuzz -tries $(FUZZ) -first $(FIRST)

style:
	bash jobs/deps.sh dev
	$(MAKE) --no-print-directory BUILD=$(BUILD)/style WERROR=1 CFLAGS=-O2 all tests
	$(MAKE) --no-print-directory run-style

# clang's warnings need no code
run-style: $(patsubst %,$(BUILD)/style/%.clang,$(SRC) $(PROG) $(wildcard tests/test_*.c tests/bench/*.c))
	bash tests/style.sh
	bash tests/rooms.sh $(BUILD)/style

$(BUILD)/style/%.clang: % Makefile $(wildcard include/*.h include/*/*.h src/*/*.h src/*/*/*.h src/*.h)
	@mkdir -p $(@D); echo "  clang $<"
	@OMPI_CC=clang $(MPICC) $(CPPFLAGS) $(filter-out -fopenmp,$(ALLFLAGS)) -Wno-unused-command-line-argument -Wno-unknown-pragmas -Werror $(filter -m%,$(ISA)) -fsyntax-only $<
	@touch $@

install: all $(SHLIB)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/tenzo/private
	install -m 755 $(BUILD)/tenzo $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(LIB) $(SHLIB) $(DESTDIR)$(PREFIX)/lib
	install -m 644 include/*.h $(DESTDIR)$(PREFIX)/include/tenzo
	install -m 644 include/private/*.h $(DESTDIR)$(PREFIX)/include/tenzo/private
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: tenzo' 'Description: tensor-train physics-informed networks trained from forward evaluations' \
	  'Version: $(VERSION)' 'Requires: $(PKGS)' 'Cflags: -I$${prefix}/include/tenzo' 'Libs: -L$${prefix}/lib -ltenzo -lopenblas -lm' \
	  > $(DESTDIR)$(PREFIX)/lib/pkgconfig/tenzo.pc

clean:
	rm -rf $(BUILD)

.PHONY: all fuzz tests demo check bench-accuracy memcheck run-demo run-check run-memcheck run-check-slurm run-style check-slurm bench style format install clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
