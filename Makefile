# Tenzo: one Makefile; everything that is built goes to $(BUILD).
#   make            library and program            make demo         the main job, small, on 2 ranks
#   make check      every test                     make check-slurm  batch jobs on a cluster of virtual nodes
#   make style      warnings as errors, gcc and clang; formatting (make format); lengths of functions
#   make bench      the benchmark (SHORT=1: under a minute)
#   make bench-accuracy  seconds to an error, beside the peers in JAX (JAX_PYTHON; ACCURACY="--seeds 1 --seconds 10")
#   make fuzz       damaged and malicious files, on 1 and 2 ranks, with sanitizers (FUZZ=100 of each kind, FIRST=seed)
#   make memcheck   valgrind and -malloc_dump on a short run
#   make docs       manual pages of program and library (Doxygen)
#   make install PREFIX=/usr/local                  with the manual pages, if they have been made
#   make deb        a Debian package of all that, $(BUILD)/tenzo_VERSION_ARCHITECTURE.deb
# `make demo`, `make check` and `make deb` first install what is missing (jobs/deps.sh: apt-get, as root or by sudo), unless PETSC_DIR is given.
#
# PETSc: any from 3.18 on, of real numbers in double precision; 32- or 64-bit indices, with or without debugging
#   make PETSC_DIR=/opt/petsc PETSC_ARCH=arch-linux-c-opt     as every program on PETSc (PETSC_ARCH stays empty for an installed one)
#   make PETSC_PKG=PETSc64                                    a name for pkg-config (PETSc)
# MPI: the compiler that PETSc was built with, or MPICC=mpicc.mpich; MPIEXEC starts what make runs
# HDF5: of the same MPI where there is one, or HDF5_PKG=hdf5-mpich (a name for pkg-config), or HDF5_DIR=/opt/hdf5
# Further variables: CFLAGS, BUILD (build: one directory for each PETSc), PREFIX, DESTDIR, SAN=address,undefined (sanitizers), WERROR=1,
# V=1 (print commands), TZ_SHARED (../shared), JAX_PYTHON, TORCH_PYTHON (programs for the benchmark)

SHELL    := /bin/bash
Q        := $(if $(V),,@)
BUILD    ?= build
PREFIX   ?= /usr/local
CFLAGS   ?= -O3 -g
export TZ_SHARED ?= ../shared
VERSION  := $(shell sed -n 's/.*TZ_VERSION "\(.*\)".*/\1/p' include/tzsys.h)

pkg        = $(shell pkg-config $(1) 2>/dev/null)
# pkg-config takes the name of a file, too: that of the PETSc in PETSC_DIR
PETSC_PC   = $(firstword $(wildcard $(addsuffix /lib/pkgconfig/PETSc.pc,$(PETSC_DIR)/$(PETSC_ARCH) $(PETSC_DIR))))
PETSC_PKG := $(or $(PETSC_PKG),$(if $(PETSC_DIR),$(or $(PETSC_PC),$(error no lib/pkgconfig/PETSc.pc in PETSC_DIR=$(PETSC_DIR), PETSC_ARCH=$(PETSC_ARCH)))),PETSc)
PETSC_LIB := $(call pkg,--variable=libdir $(PETSC_PKG))
MPICC     := $(or $(MPICC),$(call pkg,--variable=ccompiler $(PETSC_PKG)),mpicc)
MPI       := $(if $(findstring mpich,$(shell $(MPICC) -show 2>/dev/null)),mpich,openmpi)
MPIEXEC   := $(or $(MPIEXEC),$(if $(PETSC_DIR),$(call pkg,--variable=mpiexec $(PETSC_PKG))),$(if $(filter %.mpich,$(MPICC)),mpiexec.mpich),mpirun)
HDF5_PKG  := $(or $(HDF5_PKG),$(if $(HDF5_DIR),,$(firstword $(foreach p,hdf5-$(MPI) hdf5,$(if $(call pkg,--modversion $p),$p)))))
export MPICC MPIEXEC PETSC_PKG

# BLAS and LAPACK are those of PETSc, through petscblaslapack.h; the linker wants their names as well. A static PETSc needs all that it uses.
LAPACK    := $(or $(shell sed -n 's/^BLASLAPACK_LIB = *//p' $(PETSC_LIB)/petsc/conf/petscvariables 2>/dev/null),-llapack -lblas)
PETSC_L   := $(call pkg,--libs $(if $(wildcard $(PETSC_LIB)/libpetsc*.so*),,--static) $(PETSC_PKG)) $(LAPACK)
ifdef PETSC_DIR
PETSC_L   := -Wl,-rpath,$(PETSC_LIB) $(PETSC_L)
endif
ifdef HDF5_DIR
HDF5_C    := -I$(HDF5_DIR)/include
HDF5_L    := -Wl,-rpath,$(HDF5_DIR)/lib -L$(HDF5_DIR)/lib -lhdf5
else
HDF5_C    := $(call pkg,--cflags $(HDF5_PKG))
HDF5_L    := $(call pkg,--libs $(HDF5_PKG))
endif
WARN     := -Wall -Wextra -Wshadow $(if $(WERROR),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
PETSC_C  := $(filter-out -D_FORTIFY_SOURCE=2 -Wdate-time,$(call pkg,--cflags $(PETSC_PKG)))
CPPFLAGS += -Iinclude -D_GNU_SOURCE $(PETSC_C) $(HDF5_C) $(call pkg,--cflags zlib)
ALLFLAGS  = -std=c11 $(CFLAGS) -ffp-contract=off -fno-math-errno -fopenmp -fPIC $(WARN) $(SANFLAGS)
LDLIBS   += -Wl,--as-needed $(PETSC_L) $(HDF5_L) $(call pkg,--libs zlib) -ldl -lm

SRC      := $(filter-out src/main.c $(wildcard src/verb_*.c),$(wildcard src/*.c src/*/*.c src/*/*/*.c meshes/*.c pde/*.c solvers/*.c))
OBJ      := $(SRC:%.c=$(BUILD)/%.o)
PROG     := $(wildcard src/main.c src/verb_*.c)
POBJ     := $(PROG:%.c=$(BUILD)/%.o)
LIB      := $(BUILD)/libtenzo.a
SHLIB    := $(BUILD)/libtenzo.so
SONAME   := libtenzo.so.$(basename $(VERSION))
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))
BENCH    := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))

all: $(LIB) $(SHLIB) $(BUILD)/tenzo

# the kernels are one source, compiled once for each instruction set and chosen when the program starts; always optimised,
# because below -O2 gcc fuses no multiply-adds, on which the sine's argument reduction relies
X86 := $(findstring x86_64,$(shell $(MPICC) -dumpmachine 2>/dev/null))
ISA = $(if $(X86),$(if $(findstring _avx512,$<),-O3 -mavx512f -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512 -ffp-contract=fast)\
  $(if $(findstring _avx2,$<),-O3 -mavx2 -mfma -ffp-contract=fast))$(if $(findstring _neon,$<),-O3 -ffp-contract=fast)

$(BUILD)/%.o: %.c Makefile
	$(if $(PETSC_LIB),,$(error PETSc not found: give PETSC_DIR and PETSC_ARCH, or PETSC_PKG, a name for pkg-config; on Debian, jobs/deps.sh installs it))
	@mkdir -p $(@D); $(if $(V),,echo '  CC $<')
	$(Q)$(MPICC) $(CPPFLAGS) $(ALLFLAGS) $(ISA) -MMD -MP -c $< -o $@

$(LIB): $(OBJ)
	@rm -f $@; $(if $(V),,echo '  AR $@')
	$(Q)ar rcs $@ $^

format:
	clang-format -i $$(git ls-files '*.c' '*.h' '*.inc')

$(SHLIB): $(OBJ)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(MPICC) -fopenmp -shared -Wl,-Bsymbolic-functions,-soname,$(SONAME) $(SANFLAGS) $^ -o $@ $(LDLIBS)
	@ln -sf $(@F) $(BUILD)/$(SONAME)

# against the shared library, found beside the program or in ../lib: so a user's library (-dll_append) and the program have one libtenzo, the whole of it
$(BUILD)/tenzo: $(POBJ) $(SHLIB)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(MPICC) -fopenmp $(SANFLAGS) $(POBJ) -o $@ -L$(BUILD) -ltenzo -Wl,--disable-new-dtags,-rpath,'$$ORIGIN:$$ORIGIN/../lib' $(LDLIBS)

# test programs see what the shared library hides
$(BUILD)/tests/test_%.o: CPPFLAGS += $(call pkg,--cflags cmocka gsl)
$(BUILD)/tests/test_lqg $(BUILD)/tests/test_rule: TESTLIBS = $(call pkg,--libs gsl)
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB)
	$(if $(V),,@echo '  LD $@')
	$(Q)$(MPICC) -fopenmp $(SANFLAGS) $^ -o $@ $(LDLIBS) $(TESTLIBS) -lcmocka

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
memcheck deb: DEPS := dev
check-slurm: DEPS = $(if $(wildcard $(TZ_SHARED)/slurm),slurm)
demo check memcheck check-slurm deb:
	$(if $(PETSC_DIR),,bash jobs/deps.sh $(DEPS))
	$(MAKE) --no-print-directory run-$@

run-demo: all
	$(RUN) $(MPIEXEC) -n 2 $(BUILD)/tenzo solve -options_file jobs/demo.opts -tz_output $(BUILD)/demo.h5 -tz_overwrite

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
	$(RUN) $(MPIEXEC) -n 2 --bind-to core $(BUILD)/bench/bench $(if $(SHORT),-short) -json $(BUILD)/bench.json \
	  -jax "$(JAX_PYTHON) tests/bench/peer_jax.py" $(if $(PEER),-torch "$(TORCH_PYTHON) $(PEER)")
	@for b in $(filter-out %/bench %/scaling,$(BENCH)); do $(RUN) SHORT=$(SHORT) $$b || exit 1; done
	$(if $(SHORT),,$(RUN) $(BUILD)/bench/scaling)

bench-accuracy: all
	$(RUN) $(JAX_PYTHON) tests/bench/accuracy.py --json $(BUILD)/accuracy.json $(ACCURACY)

FUZZ  ?= 100
FIRST ?= 0
fuzz:
	$(MAKE) --no-print-directory BUILD=$(BUILD)/sanitized SAN=address,undefined CFLAGS='-O1 -g' run-fuzz
run-fuzz: export ASAN_OPTIONS := detect_leaks=0:allocator_may_return_null=1
run-fuzz: all $(patsubst tests/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz_*.c))
	$(RUN) $(BUILD)/tenzo solve -pde_dim 3 -net_layers 8,8 -net_tt_rank 2 -deriv_type forward -tz_validation_points 50 -tao_max_it 6 -tz_quiet \
	  -tz_output $(BUILD)/fuzz/good.h5 -tz_overwrite
	for n in 1 2; do $(RUN) $(MPIEXEC) -n $$n $(BUILD)/fuzz/fuzz_hdf5 -model $(BUILD)/fuzz/good.h5 -work $(BUILD)/fuzz -tries $(FUZZ) -first $(FIRST) || exit 1; done
	for v in solve eval classify simulate; do $(RUN) $(BUILD)/tenzo $$v -help; done | grep -oE '^ *-[A-Za-z][A-Za-z0-9_]+' | tr -d ' -' | sort -u > $(BUILD)/fuzz/names.txt
	$(RUN) $(BUILD)/fuzz/fuzz_hdf5 -model $(BUILD)/fuzz/good.h5 -work $(BUILD)/fuzz -names $(BUILD)/fuzz/names.txt
	for n in 1 2; do $(RUN) $(MPIEXEC) -n $$n $(BUILD)/fuzz/fuzz_text -work $(BUILD)/fuzz -tries $(FUZZ) -first $(FIRST) || exit 1; done
	$(RUN) $(BUILD)/fuzz/fuzz_idx $(FUZZ) $(FIRST)
	$(RUN) $(BUILD)/fuzz/fuzz_process $(FUZZ) $(FIRST)

style:
	bash jobs/deps.sh dev
	$(MAKE) --no-print-directory BUILD=$(BUILD)/style WERROR=1 CFLAGS=-O2 all tests
	$(MAKE) --no-print-directory run-style
	bash tests/rooms.sh $(BUILD)/style

# clang's warnings need no code
run-style: $(patsubst %,$(BUILD)/style/%.clang,$(SRC) $(PROG) $(wildcard tests/test_*.c tests/bench/*.c))
	bash tests/style.sh

$(BUILD)/style/%.clang: % Makefile $(wildcard include/*.h include/*/*.h src/*/*.h src/*/*/*.h src/*.h)
	@mkdir -p $(@D); echo "  clang $<"
	@OMPI_CC=clang MPICH_CC=clang $(MPICC) $(CPPFLAGS) $(filter-out -fopenmp,$(ALLFLAGS)) -Wno-unused-command-line-argument -Wno-unknown-pragmas -Werror $(filter -m%,$(ISA)) -fsyntax-only $<
	@touch $@

# manual pages: one for each header, by whose functions' names it is found too, and one for the program with every verb's options
docs: all
	@rm -rf $(BUILD)/docs; mkdir -p $(BUILD)/docs/man/man1
	(cat src/docs/Doxyfile; echo 'PROJECT_NUMBER = $(VERSION)'; echo 'OUTPUT_DIRECTORY = $(BUILD)/docs') | doxygen -
	@find $(BUILD)/docs/man/man3 -name "*.3" ! -iname "tz*" ! -iname "tao*" ! -name "tenzo*" -delete
	bash src/docs/man1.sh $(BUILD)/tenzo $(VERSION) > $(BUILD)/docs/man/man1/tenzo.1

# a PETSc that pkg-config finds by its name is required by that name; one in PETSC_DIR is written out
PC_PETSC := $(if $(PETSC_DIR),,$(PETSC_PKG))
PC_LIBS  := $(if $(PETSC_DIR),$(PETSC_L))
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/tenzo/private
	install -m 755 $(BUILD)/tenzo $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(LIB) $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(SHLIB) $(DESTDIR)$(PREFIX)/lib/libtenzo.so.$(VERSION)
	ln -sf libtenzo.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libtenzo.so
	install -m 644 include/*.h $(DESTDIR)$(PREFIX)/include/tenzo
	install -m 644 include/private/*.h $(DESTDIR)$(PREFIX)/include/tenzo/private
	cd $(BUILD)/docs/man 2>/dev/null || exit 0; \
	  for s in 1 3; do install -d $(DESTDIR)$(PREFIX)/share/man/man$$s; install -m 644 man$$s/* $(DESTDIR)$(PREFIX)/share/man/man$$s; done
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include/tenzo' 'ccompiler=$(MPICC)' \
	  'Name: tenzo' 'Description: tensor-train physics-informed networks trained from forward evaluations' 'Version: $(VERSION)' \
	  'Requires: $(PC_PETSC)' 'Requires.private: $(HDF5_PKG) zlib' \
	  'Cflags: -I$${includedir} $(if $(PETSC_DIR),$(PETSC_C))' 'Libs: -L$${libdir} -ltenzo $(PC_LIBS)' \
	  'Libs.private: $(if $(HDF5_DIR),$(HDF5_L)) $(if $(PETSC_DIR),,$(LAPACK)) -fopenmp -ldl -lm' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/tenzo.pc

# one package, made by any user; the libraries of Debian that it needs are those that its two binaries are linked with
DEB  := $(abspath $(BUILD)/deb)
ARCH  = $(shell dpkg --print-architecture)
run-deb: docs
	@rm -rf $(DEB); mkdir -p $(DEB)/debian $(DEB)/root/DEBIAN
	$(MAKE) --no-print-directory install DESTDIR=$(DEB)/root PREFIX=/usr
	strip --strip-unneeded $(DEB)/root/usr/bin/tenzo $(DEB)/root/usr/lib/libtenzo.so.$(VERSION)
	strip --strip-debug $(DEB)/root/usr/lib/libtenzo.a
	find $(DEB)/root/usr/share/man -type f -exec gzip -9n {} +
	install -D -m 644 LICENSE $(DEB)/root/usr/share/doc/tenzo/copyright
	install -D -m 644 -t $(DEB)/root/usr/share/doc/tenzo/examples jobs/*.opts jobs/*.sbatch
	printf '%s\n' 'Source: tenzo' '' 'Package: tenzo' 'Architecture: any' > $(DEB)/debian/control
	echo 'libtenzo $(basename $(VERSION))' > $(DEB)/debian/shlibs.local
	cd $(DEB) && dpkg-shlibdeps -Troot/DEBIAN/shlibs root/usr/bin/tenzo root/usr/lib/libtenzo.so.$(VERSION)
	printf '%s\n' 'Package: tenzo' 'Version: $(VERSION)' 'Architecture: $(ARCH)' 'Maintainer: the Tenzo developers <tenzo@localhost>' 'Section: science' \
	  'Priority: optional' "Installed-Size: $$(du -sk $(DEB)/root/usr | cut -f 1)" "Depends: $$(sed 's/^shlibs:Depends=//' $(DEB)/root/DEBIAN/shlibs)" \
	  'Recommends: openmpi-bin' 'Suggests: libpetsc-real-dev, libhdf5-openmpi-dev, zlib1g-dev, pkg-config' \
	  'Description: tensor-train physics-informed networks trained from forward evaluations' \
	  ' Solver of high-dimensional partial differential equations, as a program and as a C library' \
	  ' on Open MPI, PETSc and HDF5. What is suggested is needed to compile with the library.' > $(DEB)/root/DEBIAN/control
	rm $(DEB)/root/DEBIAN/shlibs
	echo 'activate-noawait ldconfig' > $(DEB)/root/DEBIAN/triggers
	dpkg-deb --root-owner-group --build $(DEB)/root $(BUILD)/tenzo_$(VERSION)_$(ARCH).deb

clean:
	rm -rf $(BUILD)

.PHONY: all fuzz run-fuzz docs tests demo check bench-accuracy memcheck run-demo run-check run-memcheck run-check-slurm run-style deb run-deb check-slurm bench style format install clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
