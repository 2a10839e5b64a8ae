# Builds build/oomlab and build/oomhog, and runs them, their tests and the linters.
# 'make help' lists the targets; V=1 shows the commands, WERROR=1 makes warnings errors.
# New files are found by wildcards: adding one needs no change here.

VERSION  := 0.1.0
RELEASED := November 22, 2026

PREFIX     ?= /usr/local
BINDIR     ?= $(PREFIX)/bin
MANDIR     ?= $(PREFIX)/share/man
LIBEXECDIR ?= $(PREFIX)/libexec/oomlab
DATADIR    ?= $(PREFIX)/share/oomlab
BASHDIR    ?= $(PREFIX)/share/bash-completion/completions
CLANG      ?= clang
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g

B   := build
GEN := $(B)/gen
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- sources ----------------------------------------------------------------------------------

# disk.c is in the library: it has a unit test.
GUEST_SRC := $(filter-out harness/guest/disk.c,$(sort $(wildcard harness/guest/*.c)))
SRC      := $(filter-out $(GUEST_SRC),$(sort $(wildcard base/*.c cgroups/*.c workloads/*.c harness/*/*.c)))
MAIN_SRC := $(shell grep -l '^int main\>' $(SRC))
REGISTRY := $(if $(wildcard workloads/gen-registry.sh),$(GEN)/registry.c)
GEN_SRC  := $(GEN)/cmds.c $(REGISTRY)
LIB_SRC  := $(filter-out $(MAIN_SRC),$(SRC)) $(REGISTRY)
HOG_MAIN := $(filter-out workloads/gen_filters.c,$(filter workloads/%,$(MAIN_SRC)))
HOG_SRC  := $(filter base/% workloads/% $(GEN)/%,$(LIB_SRC)) $(HOG_MAIN)
LAB_SRC  := $(GEN)/cmds.c $(filter harness/%,$(MAIN_SRC))
# The programs of a virtual machine are static: without what needs libraries that are not.
NO_GUEST := harness/exec/trace.c harness/vm/%.c harness/input/%.c harness/cmd/cmd_vm.c \
	harness/cmd/vm_%.c harness/cmd/cmd_kernels.c harness/cmd/kernels_%.c \
	harness/cmd/progress.c harness/cmd/cmd_explain.c harness/cmd/explain_%.c
GUEST_LIB_SRC := $(filter-out $(NO_GUEST),$(LIB_SRC)) harness/guest/no_trace.c \
	$(filter-out harness/guest/init.c harness/guest/no_trace.c,$(GUEST_SRC))

TEST_LIB := $(sort $(wildcard tests/lib/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
INTEGRATION_SRC := tests/unit/main.c $(sort $(wildcard tests/integration/*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
OOMLOG_SRC := $(sort $(wildcard tests/oomlog/*.c))
OOMLOG_RUN := $(B)/tests/check_logs $(sort $(wildcard tests/oomlog/*.sh))
INTEGRATION_SH  := $(sort $(wildcard tests/integration/*.sh))
CLI_SH   := $(sort $(wildcard tests/cli/*.sh))
GEN_H    := $(GEN)/version.h $(if $(wildcard workloads/gen_filters.c),$(GEN)/filters.h) \
	$(GEN)/unit/suites.h $(GEN)/integration/suites.h $(GEN)/tiny_options.inc

# ---- flags ------------------------------------------------------------------------------------

LIBS := libfyaml jansson libseccomp libtracefs zlib liblzma libzstd liblz4 nettle
ifneq ($(filter-out clean help lint check-layers,$(or $(MAKECMDGOALS),all)),)
ifneq ($(shell $(PKG_CONFIG) --exists $(LIBS) 2>&1 || echo missing),)
$(error $(PKG_CONFIG) does not find all of: $(LIBS); './quickstart' installs them, packages.txt names them)
endif
endif
LAB_LIBS  = $(shell $(PKG_CONFIG) --libs $(LIBS)) -lm
TEST_LIBS = $(shell $(PKG_CONFIG) --libs check)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	-Wvla -Wswitch-enum -Wundef -Wwrite-strings -Wcast-qual -Wimplicit-fallthrough \
	$(if $(WERROR),-Werror)
CPP  := -std=gnu17 -D_GNU_SOURCE -I. -I$(GEN) -ffile-prefix-map=$(CURDIR)=. $(CPPFLAGS) \
	$(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
HARD := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
LAB_FLAGS  := $(CFLAGS) $(HARD) -fPIE
LAB_LINK   := -pie -Wl,-z,relro,-z,now
# Static and without what is not used: oomhog must fit into a group of a few MiB.
HOG_FLAGS  := $(CFLAGS) $(HARD) -fno-pie -ffunction-sections -fdata-sections
HOG_LINK   := -static -no-pie -Wl,--gc-sections,-z,relro,-z,now
ASAN_FLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

Q   := $(if $(V),,@)
, := ,
say  = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-8s%s\n' $(1) $(2))
# Recipes that make a list write it through this, so that nothing is rebuilt for an equal one.
keep = { cmp -s $@.new $@ && rm $@.new || mv $@.new $@; }

# ---- objects: one pattern rule for each way to compile -----------------------------------------

# 1: folder, 2: compiler, 3: its flags
define way
$(1)/%.o: %.c Makefile | $(GEN_H)
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$(Q)$(2) $$(CPP) $$(WARN) $(3) $$(SUITES) -MMD -MP -c -o $$@ $$<
endef
objs = $(patsubst %.c,$(1)/%.o,$(2))

$(eval $(call way,$(B)/obj/lab,$$(CC),$$(LAB_FLAGS)))
$(eval $(call way,$(B)/obj/hog,$$(CC),$$(HOG_FLAGS)))
$(eval $(call way,$(B)/asan/obj,$$(CC),$$(ASAN_FLAGS)))
$(eval $(call way,$(B)/clang/obj,$$(CLANG),$$(LAB_FLAGS) -Werror))
$(eval $(call way,$(B)/fuzz/obj,$$(CLANG),$$(FUZZ_FLAGS)))

# tests/unit/main.c serves both kinds of libcheck programs
$(B)/%/tests/unit/main.o: SUITES := -I$(GEN)/unit
$(B)/obj/lab/tests/unit/main.o: SUITES := -I$(GEN)/integration

# The library of each way: programs take from it what they use.
define archive
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcD $@ $^ && $(AR) sD $@
endef
define link
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(1) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(2)
endef

$(B)/obj/lab/lib.a: $(call objs,$(B)/obj/lab,$(LIB_SRC))
	$(archive)
$(B)/obj/lab/test.a: $(call objs,$(B)/obj/lab,$(TEST_LIB))
	$(archive)
$(B)/asan/obj/lib.a: $(call objs,$(B)/asan/obj,$(LIB_SRC))
	$(archive)
$(B)/asan/obj/test.a: $(call objs,$(B)/asan/obj,$(TEST_LIB))
	$(archive)
$(B)/clang/obj/lib.a: $(call objs,$(B)/clang/obj,$(LIB_SRC))
	$(archive)
$(B)/clang/obj/test.a: $(call objs,$(B)/clang/obj,$(TEST_LIB))
	$(archive)

LAB_LD  = $(CC) $(CFLAGS) $(LAB_LINK) $(LDFLAGS)
ASAN_LD = $(CC) $(ASAN_FLAGS) $(LDFLAGS)
CLANG_LD = $(CLANG) $(CFLAGS) $(LAB_LINK) $(LDFLAGS)
ALL_LIBS = $(LAB_LIBS) $(TEST_LIBS)

$(B)/oomlab: $(call objs,$(B)/obj/lab,$(LAB_SRC)) $(B)/obj/lab/lib.a
	$(call link,$(LAB_LD),$(LAB_LIBS))
$(B)/oomhog: $(call objs,$(B)/obj/hog,$(HOG_SRC))
	$(call link,$(CC) $(CFLAGS) $(HOG_LINK) $(LDFLAGS))
$(B)/obj/hog/guest.a: $(call objs,$(B)/obj/hog,$(GUEST_LIB_SRC))
	$(archive)
GUEST_LINK = $(CC) $(CFLAGS) $(HOG_LINK) -s $(LDFLAGS)
GUEST_LIBS = $(shell $(PKG_CONFIG) --static --libs libfyaml jansson libseccomp zlib liblzma libzstd) -lm
$(B)/guest/oomlab: $(call objs,$(B)/obj/hog,$(GEN)/guest_cmds.c harness/cmd/main.c) $(B)/obj/hog/guest.a
	$(call link,$(GUEST_LINK),$(GUEST_LIBS))
$(B)/guest/init: $(call objs,$(B)/obj/hog,harness/guest/init.c) $(B)/obj/hog/guest.a
	$(call link,$(GUEST_LINK),$(GUEST_LIBS))
$(B)/asan/unit: $(call objs,$(B)/asan/obj,$(UNIT_SRC)) $(B)/asan/obj/test.a $(B)/asan/obj/lib.a
	$(call link,$(ASAN_LD),$(ALL_LIBS))
$(B)/tests/integration: $(call objs,$(B)/obj/lab,$(INTEGRATION_SRC)) $(B)/obj/lab/test.a \
		$(B)/obj/lab/lib.a
	$(call link,$(LAB_LD),$(ALL_LIBS))
$(B)/tests/check_logs: $(call objs,$(B)/obj/lab,$(OOMLOG_SRC)) $(B)/obj/lab/test.a \
		$(B)/obj/lab/lib.a
	$(call link,$(LAB_LD),$(ALL_LIBS))
# What the bare boot of 'make bench' ends with.
BARE_INIT := $(B)/tests/bare_init
$(BARE_INIT): $(call objs,$(B)/obj/hog,tests/bench/guest/bare_init.c)
	$(call link,$(CC) $(CFLAGS) $(HOG_LINK) -s $(LDFLAGS))
$(B)/bench: $(call objs,$(B)/obj/lab,$(BENCH_SRC)) $(B)/obj/lab/lib.a
	$(call link,$(LAB_LD),$(LAB_LIBS))

$(B)/clang/oomlab: $(call objs,$(B)/clang/obj,$(LAB_SRC)) $(B)/clang/obj/lib.a
	$(call link,$(CLANG_LD),$(LAB_LIBS))
$(B)/clang/oomhog: $(call objs,$(B)/clang/obj,$(HOG_SRC))
	$(call link,$(CLANG_LD))
$(B)/clang/unit: $(call objs,$(B)/clang/obj,$(UNIT_SRC)) $(B)/clang/obj/test.a $(B)/clang/obj/lib.a
	$(call link,$(CLANG_LD),$(ALL_LIBS))

-include $(shell test -d $(B) && find $(B) -name '*.d')

# ---- generated sources -------------------------------------------------------------------------

GIT_VERSION := $(shell git describe --always --dirty --match 'v*' 2>/dev/null)
GIT_DATE    := $(shell git log -1 --date=format:'%B %-d, %Y' --format=%cd 2>/dev/null)

$(GEN)/version.h: FORCE
	@mkdir -p $(@D)
	@printf '#define OOMLAB_VERSION "%s"\n#define OOMLAB_DATE "%s"\n' \
		"$(VERSION)$(if $(GIT_VERSION), ($(GIT_VERSION)))" \
		"$(or $(GIT_DATE),$(RELEASED))" > $@.new; $(keep)

$(GEN)/registry.c: FORCE
	@mkdir -p $(@D)
	@sh workloads/gen-registry.sh $(sort $(wildcard workloads/wl_*.c)) > $@.new; $(keep)

GUEST_CMDS := run list doctor score size sweep pack curve help
CMDS := $(patsubst harness/cmd/cmd_%.c,%,$(sort $(wildcard harness/cmd/cmd_*.c)))
# 1: the commands
define registry
	@mkdir -p $(@D)
	@{ echo '/* Made by the Makefile from the names of harness/cmd/cmd_*.c. */'; \
	echo '#include "harness/cmd/cmd.h"'; echo; \
	printf 'extern const struct cmd cmd_%s;\n' $(1); echo; \
	echo 'const struct cmd *const cmd_registry[] = {'; \
	printf '\t&cmd_%s,\n' $(1); printf '\tNULL,\n};\n'; } > $@.new; $(keep)
endef
$(GEN)/cmds.c: FORCE
	$(call registry,$(CMDS))
$(GEN)/guest_cmds.c: FORCE
	$(call registry,$(filter $(CMDS),$(GUEST_CMDS)))

$(GEN)/%/suites.h: FORCE
	@mkdir -p $(@D)
	@{ echo '/* Made by the Makefile from the names of tests/$*/test_*.c. */'; \
	for s in $(sort $(wildcard tests/$*/test_*.c)); do \
		s=$${s##*/test_}; echo "SUITE($${s%.c})"; done; } > $@.new; $(keep)

# The seccomp filters become constant data: oomhog itself links libc alone.
$(B)/gen-filters: workloads/gen_filters.c $(wildcard workloads/*.h base/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,HOSTCC,$@)
	$(Q)$(CC) $(CPP) $(WARN) $(CFLAGS) -o $@ $< $(shell $(PKG_CONFIG) --libs libseccomp)
$(GEN)/filters.h: $(B)/gen-filters
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)$(B)/gen-filters > $@.new && mv $@.new $@

# The options of 'oomlab kernels build' as the lines of a C string.
$(GEN)/tiny_options.inc: harness/vm/tiny.options
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $< > $@.new && mv $@.new $@

$(B)/man/oomlab.1: $(B)/oomlab
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$(B)/oomlab help --man > $@
$(B)/man/oomhog.1: $(B)/oomhog
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)$(B)/oomhog --man > $@
$(B)/man/%.5: docs/%.5
	@mkdir -p $(@D)
	$(call say,MAN,$@)
	$(Q)cp $< $@
$(B)/oomlab.bash: $(B)/oomlab
	$(call say,GEN,$@)
	$(Q)$(B)/oomlab completion bash > $@

# ---- targets ----------------------------------------------------------------------------------

##all: build build/oomlab and build/oomhog, and what runs in virtual machines
GUEST := $(B)/guest/oomlab $(B)/guest/init
all: $(B)/oomlab $(B)/oomhog $(GUEST)

##run: run the scenario catalogue on this machine (ARGS='...' are added)
# 77, everything skipped with its reason, is no failure of the run.
run: all
	@$(B)/oomlab run $(ARGS) || test $$? -eq 77

TEST_ENV = OOMLAB=$(CURDIR)/$(B)/oomlab OOMLAB_HOG=$(CURDIR)/$(B)/oomhog CC='$(CC)'
INTEGRATION_RUN := $(B)/tests/integration $(INTEGRATION_SH)

# clang may be there without libFuzzer's runtime.
FUZZER = $(if $(filter test,$(MAKECMDGOALS)),$(shell echo 'int LLVMFuzzerTestOneInput(void){return 0;}' | \
	$(CLANG) -fsanitize=fuzzer -x c -o /dev/null - 2>/dev/null && echo $(B)/fuzz/fuzz_oomlog))

##test: all tests; the last line counts them
test: $(FUZZER) all $(B)/asan/unit $(B)/tests/check_logs $(filter $(B)/%,$(INTEGRATION_RUN)) man
	@$(TEST_ENV) sh tests/run.sh $(B)/asan/unit $(OOMLOG_RUN) $(CLI_SH) tests/layers.sh $(INTEGRATION_RUN)

##test-unit: unit tests alone, under the address and undefined-behaviour sanitizers
test-unit: $(B)/asan/unit
	@$(TEST_ENV) sh tests/run.sh $(B)/asan/unit

##test-logs: oomlab explain on real logs alone (OOMLAB_LOGS: the folder with other people's)
test-logs: all $(B)/tests/check_logs
	@$(TEST_ENV) sh tests/run.sh $(OOMLOG_RUN)

##test-integration: tests on this machine's cgroups alone (as root, else they skip)
test-integration: all $(filter $(B)/%,$(INTEGRATION_RUN))
	@$(TEST_ENV) sh tests/run.sh $(INTEGRATION_RUN)

##test-prediction: 10,000 kills in generated groups, each predicted (as root; some minutes; KILLS=N)
test-prediction: all
	@$(TEST_ENV) sh tests/prediction.sh

##test-vm-starts: 200 virtual machines in a row, nothing of which may be left (many minutes; STARTS=N)
test-vm-starts: all
	@$(TEST_ENV) sh tests/run.sh tests/vm_starts.sh

##test-cli: tests of the command line alone
test-cli: all man
	@$(TEST_ENV) sh tests/run.sh $(CLI_SH)

##test-matrix: the catalogue on KERNELS in virtual machines, cgroup CGROUPS, against BASELINE (results/baseline)
KERNELS ?= debian:5.10 debian:6.1 debian:6.12 debian:7.3
CGROUPS ?= v1,v2
BASELINE ?= results/baseline
test-matrix: all
	@KERNELS='$(KERNELS)' CGROUPS='$(CGROUPS)' BASELINE='$(BASELINE)' RESULTS='$(B)/matrix' \
	$(TEST_ENV) sh tests/matrix.sh $(ARGS)

##test-replay: SCENARIOS on KERNELS with a seed, REPLAYS=5 times again, JOBS at once (minutes)
test-replay: all
	@KERNELS='$(KERNELS)' RESULTS='$(B)/replay' \
	$(TEST_ENV) sh tests/replay.sh

##check-layers: hold the includes against the arrows of docs/architecture.md
check-layers:
	@$(TEST_ENV) sh tests/layers.sh

##fuzz: fuzz the parser of OOM reports for SECONDS=30 (SEEDS: folders with logs to start from)
FUZZ_SRC := tests/fuzz/fuzz_oomlog.c $(filter base/% harness/oomlog/%,$(LIB_SRC))
SECONDS  ?= 30
SEEDS    ?= $(wildcard tests/fixtures/oomlog ../shared/oomlogs)
$(B)/fuzz/fuzz_oomlog: $(call objs,$(B)/fuzz/obj,$(FUZZ_SRC))
	$(call link,$(CLANG) -g -fsanitize=fuzzer$(,)address$(,)undefined)
fuzz: $(B)/fuzz/fuzz_oomlog
	@mkdir -p $(B)/fuzz/corpus
	$< -max_total_time=$(SECONDS) -max_len=65536 -timeout=10 -print_final_stats=1 \
		-artifact_prefix=$(B)/fuzz/ -dict=tests/fuzz/oomlog.dict $(B)/fuzz/corpus $(SEEDS)

##clang: build everything with clang, warnings as errors
clang: $(B)/clang/oomlab $(B)/clang/oomhog $(B)/clang/unit \
	$(call objs,$(B)/clang/obj,$(INTEGRATION_SRC) $(BENCH_SRC) $(OOMLOG_SRC))

##man: the manual pages and the completion script
MAN1 := $(B)/man/oomlab.1 $(B)/man/oomhog.1
MAN5 := $(patsubst docs/%,$(B)/man/%,$(wildcard docs/*.5))
man: $(MAN1) $(MAN5) $(B)/oomlab.bash

##bench: measure oomlab beside bare C loops; PARTS="machines size size_vm 64M" measures those alone
BENCH_SH := size size_vm
BENCHES   = $(filter-out $(BENCH_SH),$(PARTS))
bench: all $(B)/bench $(BARE_INIT)
	@$(if $(PARTS),$(if $(BENCHES),,true)) $(TEST_ENV) OOMLAB_BARE_INIT=$(CURDIR)/$(BARE_INIT) \
		$(B)/bench $(BENCHES)
	@$(if $(PARTS),$(if $(filter size,$(PARTS)),,true)) $(TEST_ENV) sh tests/bench/size.sh
	@$(if $(filter size_vm,$(PARTS)),,true) $(TEST_ENV) sh tests/bench/size_vm.sh $(MACHINES)

##lint: clang-format, cppcheck, clang-tidy (changed files; LINT_ALL=1: all), shellcheck, layers
FILES    = git ls-files --cached --others --exclude-standard --deduplicate
C_FILES  = $(shell $(FILES) '*.c' '*.h')
SH_FILES = $(shell $(FILES) | xargs grep -lE '^.!/(usr/)?bin/(env )?(ba)?sh')
# What clang-tidy reads: all, or what differs from the commit before this one.
TIDY     = if test -z '$(LINT_ALL)' && git rev-parse -q --verify HEAD~ > /dev/null; then \
	git diff --name-only --diff-filter=d HEAD~ -- '*.c'; \
	git ls-files --others --exclude-standard '*.c'; else $(FILES) '*.c'; fi
# constParameter and its like would turn callbacks' fixed signatures into casts.
# cppcheck 2.10 gives up a function ("Cyclic reverse analysis") that uses vectors of the compiler's,
# and does not expand lists of rows without commas; what the preprocessor refuses gcc tells.
CPPCHECK_OFF := --suppress=missingIncludeSystem --suppress=checkersReport \
	--suppress=cppcheckError:harness/oomlog/text.c \
	--suppress=preprocessorErrorDirective
# jansson's loops, whose header it does not read.
CPPCHECK_DEF := '-Djson_array_foreach(array,i,value)=for(;;)' \
	'-Djson_object_foreach(object,key,value)=for(;;)' \
	'-Djson_object_foreach_safe(object,next,key,value)=for(;;)'
lint: $(GEN_H) $(GEN_SRC) check-layers
	clang-format --dry-run -Werror $(C_FILES)
	cppcheck --quiet -j 2 --std=c11 --enable=warning,performance,portability \
		--error-exitcode=1 --inline-suppr -D_GNU_SOURCE -I. -I$(GEN) \
		$(CPPCHECK_OFF) $(CPPCHECK_DEF) $(filter %.c,$(C_FILES))
	{ $(TIDY); } | sort -u | xargs -r -n 4 -P "$$(nproc)" \
		sh -c 'clang-tidy --quiet "$$@" -- $(CPP) -I$(GEN)/unit 2>&1' tidy
	shellcheck -x $(SH_FILES)

##format: let clang-format settle the format
format:
	clang-format -i $(C_FILES)

##install: binaries, manual pages, completion and scenarios, below $(DESTDIR)$(PREFIX)
install: all man
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(MANDIR)/man1 $(MANDIR)/man5 $(BASHDIR))
	install -m 755 $(B)/oomlab $(B)/oomhog $(DESTDIR)$(BINDIR)
	install -d $(DESTDIR)$(LIBEXECDIR)/guest
	install -m 755 $(GUEST) $(DESTDIR)$(LIBEXECDIR)/guest
	install -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1
	$(if $(MAN5),install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5)
	install -m 644 $(B)/oomlab.bash $(DESTDIR)$(BASHDIR)/oomlab
	find scenarios -name '*.yaml' -exec sh -c 'for f; do \
		install -D -m 644 "$$f" "$(DESTDIR)$(DATADIR)/$$f" || exit; done' sh {} +

##uninstall: remove what install has put there
uninstall:
	rm -f $(addprefix $(DESTDIR),$(BINDIR)/oomlab $(BINDIR)/oomhog $(BASHDIR)/oomlab \
		$(MAN1:$(B)/man/%=$(MANDIR)/man1/%) $(MAN5:$(B)/man/%=$(MANDIR)/man5/%))
	rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(LIBEXECDIR)

##clean: remove build/
clean:
	rm -rf $(B)

##help: this list
help:
	@sed -n 's/^##\([^:]*\): */  \1\t/p' Makefile | expand -t 20
	@echo 'Variables: V=1 WERROR=1 CC CLANG CFLAGS LDFLAGS PREFIX DESTDIR LINT_ALL=1 ARGS KERNELS CGROUPS BASELINE'

FORCE:
.PHONY: FORCE all run test test-unit test-logs test-integration test-prediction test-cli \
	test-matrix test-vm-starts check-layers fuzz clang man bench lint format \
	install uninstall clean help
