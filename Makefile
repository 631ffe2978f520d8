# Tenzo: one Makefile; everything that is built goes to $(BUILD).
#   make            library and program           make demo    the main job, small, on 2 ranks
#   make check      every test                    make bench   the benchmark (SHORT=1: under a minute)
#   make style      warnings as errors, gcc and clang; formatting; file and function lengths
#   make install PREFIX=/usr/local
# Variables: CC (mpicc), CFLAGS, BUILD (build), PREFIX, DESTDIR, SAN=address,undefined (sanitizers), WERROR=1

SHELL    := /bin/bash
BUILD    ?= build
PREFIX   ?= /usr/local
CFLAGS   ?= -O3 -g
MPICC    ?= mpicc
VERSION  := $(shell sed -n 's/.*TZ_VERSION "\(.*\)".*/\1/p' include/tzsys.h)
PKGS     := PETSc hdf5-openmpi gsl sleef zlib
PKGS     := $(shell for p in $(PKGS); do pkg-config --exists $$p 2>/dev/null && echo $$p; done)
WARN     := -Wall -Wextra -Wshadow $(if $(WERROR),-Werror)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
CPPFLAGS += -Iinclude -D_GNU_SOURCE $(filter-out -D_FORTIFY_SOURCE=2 -Wdate-time,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
ALLFLAGS  = -std=c11 $(CFLAGS) -ffp-contract=off -fno-math-errno -fopenmp -fPIC $(WARN) $(SANFLAGS)
LDLIBS   += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lopenblas -lm

SRC      := $(filter-out src/main.c $(wildcard src/verb_*.c),$(wildcard src/*.c src/*/*.c meshes/*.c pde/*.c solvers/*.c))
OBJ      := $(SRC:%.c=$(BUILD)/%.o)
PROG     := $(wildcard src/main.c src/verb_*.c)
POBJ     := $(PROG:%.c=$(BUILD)/%.o)
LIB      := $(BUILD)/libtenzo.a
TESTS    := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(LIB) $(if $(PROG),$(BUILD)/tenzo)

# the kernels are one source, compiled once for each instruction set and chosen when the program starts
$(BUILD)/src/net/%_avx512.o: ISA := -mavx512f -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512 -ffp-contract=fast
$(BUILD)/src/net/%_avx2.o: ISA := -mavx2 -mfma -ffp-contract=fast

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(MPICC) $(CPPFLAGS) $(ALLFLAGS) $(ISA) -MMD -MP -c $< -o $@

$(LIB): $(OBJ)
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/tenzo: $(POBJ) $(LIB)
	$(MPICC) -fopenmp $(SANFLAGS) $^ -o $@ $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIB)
	$(MPICC) -fopenmp $(SANFLAGS) $^ -o $@ $(LDLIBS) -lcmocka

tests: $(TESTS)
clean:
	rm -rf $(BUILD)

.PHONY: all tests clean
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
