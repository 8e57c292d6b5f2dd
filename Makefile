# SPDX-License-Identifier: MIT OR Apache-2.0
# Everything that a person types. `make help` lists it.

OUT        := out
TARGET     := x86_64-unknown-linux-musl
MUSL_OUT   := target/musl

# Two ways to a static musl binary: rustup's target where it is installed,
# otherwise Debian's own Rust with its source, which builds std itself.
# A panic ends the program at once: nothing walks the stack, so the tables
# for that, 170 KiB, are left out. Built for size alone, std would keep code
# that walks it.
MUSL_C     := CC_x86_64_unknown_linux_musl=musl-gcc CFLAGS_x86_64_unknown_linux_musl=-fno-asynchronous-unwind-tables
MUSL_CODE  := -C target-feature=+crt-static -C force-unwind-tables=no
RUSTUP_STD := $(wildcard $(shell rustc --print target-libdir --target $(TARGET) 2>/dev/null)/libstd-*.rlib)
ifneq ($(RUSTUP_STD),)
MUSL_WAY   := rustup
MUSL_CARGO := cargo
MUSL_FLAGS :=
MUSL_ENV   := $(MUSL_C) \
              CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="$(MUSL_CODE)"
else
MUSL_WAY   := debian
MUSL_CARGO := /usr/bin/cargo
MUSL_FLAGS := -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size \
              --config 'profile.release.package.std.opt-level="s"'
MUSL_ENV   := $(MUSL_C) RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc \
              CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=musl-gcc \
              CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="$(MUSL_CODE) -C link-self-contained=no -C relocation-model=static -L $(CURDIR)/$(MUSL_OUT)/lib"
endif
# Of the whole workspace: with the features of one package alone, the shared
# crates would be compiled once for it and once more for the tests.
DEV_BUILD  := cargo build --workspace --target-dir target
MUSL_BUILD := $(MUSL_ENV) $(MUSL_CARGO) build --release --target $(TARGET) --target-dir $(MUSL_OUT) $(MUSL_FLAGS)
MUSL_BIN   := $(MUSL_OUT)/$(TARGET)/release

.DEFAULT_GOAL := help

.PHONY: help
help:
	@echo 'make demo                one real machine becomes another in QEMU, shown while it happens'
	@echo 'make unit [FILTER=word]  in a minute: the tests without root, QEMU and release build'
	@echo 'make test [FILTER=word]  all the tests, or those whose name contains the word'
	@echo 'make all                 out/init, out/replant, out/replant-pack'
	@echo 'make dist                out/replant-VERSION-x86_64.tar.gz: the static replant-pack, to install'
	@echo 'make crash               of the tests, those of power cuts, with the table of what came out'
	@echo 'make qemu [APPEND=words] the tiny system in QEMU, into its console (leave with Ctrl-A X);'
	@echo '                         words go to its kernel, as APPEND=replant=survey'
	@echo 'make size                what every crate costs in replant, and the limits'
	@echo 'make lint                rustfmt, clippy and rustdoc'
	@echo 'make setup               installs what the others need (Debian, Ubuntu), or says what is missing'
	@echo 'make clean               removes what was built here; the cache of the tests stays'

# Each goal that builds sets up the machine first; what is there costs nothing.
# The programs are made by a second make, so that the way to musl is chosen
# after the set-up.
.PHONY: setup
setup:
	@sh tests/setup.sh $(MUSL_WAY)

.PHONY: demo
demo: root
	@echo '=== The first run compiles for about 5 minutes on two processors, and makes two'
	@echo '=== disks of Debian in about 8, which are kept (5 GB in ~/.cache/replant). Then the'
	@echo '=== migration takes a minute, or 6 to 10 where KVM does not work.'
	@$(MAKE) --no-print-directory setup
	@$(MAKE) --no-print-directory programs
	$(DEV_BUILD) --bin demo
	target/debug/demo

.PHONY: root
root:
	@[ "$$(id -u)" = 0 ] || { echo 'This mounts file systems: run make as root' >&2; exit 1; }

# Needs nothing but Rust and a C compiler; whatever else a test needs and this
# machine has not, it says.
.PHONY: unit
unit:
	@sh tests/unit.sh $(FILTER)

# One command, so that everything is compiled once; as many tests at a time
# as there are processors.
.PHONY: test
test: setup
	@$(MAKE) --no-print-directory size-limits
	@sh tests/failed.sh cargo test --workspace --tests --no-fail-fast -- $(FILTER)

# Migrations are recorded, and kept; from what they wrote come the disks that a
# cut leaves. REPLANT_CRASH_STATES and REPLANT_CRASH_SEED vary them.
.PHONY: crash
crash: setup
	@$(MAKE) --no-print-directory programs
	@REPLANT_CRASH_BOOTS=$${REPLANT_CRASH_BOOTS:-100} sh tests/failed.sh cargo test -p replant-tests \
		--test system -- --include-ignored --nocapture $(or $(FILTER),crash:: small::)

# make test, and what it leaves to whoever has hours.
.PHONY: whole
whole: setup
	@$(MAKE) --no-print-directory size-limits
	@sh tests/failed.sh cargo test --workspace --tests --no-fail-fast -- --include-ignored $(FILTER)

.PHONY: lint
lint: setup
	@for tool in fmt clippy; do cargo $$tool --version >/dev/null 2>&1 || { \
		echo "cargo $$tool is missing: rustup component add rustfmt clippy," \
			"or Debian's packages rustfmt-web and rust-web-clippy" >&2; exit 1; }; done
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

.PHONY: qemu
qemu: setup
	@$(MAKE) --no-print-directory programs
	$(DEV_BUILD) --bin tiny
	target/debug/tiny $(APPEND)

.PHONY: size
size: setup
	@$(MAKE) --no-print-directory programs
	@sh tests/size.sh

.PHONY: size-limits
size-limits: programs
	@sh tests/size.sh limits

.PHONY: clean
clean:
	rm -rf $(OUT) target

.PHONY: all
all: setup
	@$(MAKE) --no-print-directory programs
	@ls -lh $(OUT)/init $(OUT)/replant $(OUT)/replant-pack

.PHONY: programs
programs: $(OUT)/init $(OUT)/replant $(OUT)/replant-pack

# std asks for libunwind; gcc's own unwinder does.
$(MUSL_OUT)/lib/libunwind.a:
	@mkdir -p $(@D)
	@echo 'INPUT(-lgcc_eh)' >$@

# /init has neither std nor a C library: the host's own core does.
INIT_OUT   := target/init
INIT_FLAGS := -C relocation-model=static -C force-unwind-tables=no -C opt-level=z
.PHONY: $(OUT)/init
$(OUT)/init:
	RUSTFLAGS="$(INIT_FLAGS)" cargo build --release -p init-shim --target x86_64-unknown-linux-gnu --target-dir $(INIT_OUT)
	@mkdir -p $(OUT)
	@cp $(INIT_OUT)/x86_64-unknown-linux-gnu/release/init $@.new
	@mv $@.new $@

.PHONY: $(OUT)/replant
$(OUT)/replant: $(MUSL_OUT)/lib/libunwind.a
	$(MUSL_BUILD) -p replant
	@mkdir -p $(OUT)
	@cp $(MUSL_BIN)/replant $@.new
	@mv $@.new $@

# Both programs are in it, so that it is one file to install.
.PHONY: $(OUT)/replant-pack
$(OUT)/replant-pack: $(OUT)/init $(OUT)/replant
	REPLANT_EMBED_DIR=$(CURDIR)/$(OUT) $(DEV_BUILD) --bin replant-pack
	@mkdir -p $(OUT)
	@cp target/debug/replant-pack $@.new
	@mv $@.new $@

# What a vendor installs: one static program, with manual pages and completions.
.PHONY: dist
dist: setup
	@$(MAKE) --no-print-directory dist-programs
	@sh packer/dist.sh $(OUT)/dist/replant-pack $(OUT)

.PHONY: dist-programs
dist-programs: $(OUT)/init $(OUT)/replant $(MUSL_OUT)/lib/libunwind.a
	REPLANT_EMBED_DIR=$(CURDIR)/$(OUT) $(MUSL_BUILD) -p replant-pack
	@mkdir -p $(OUT)/dist
	@cp $(MUSL_BIN)/replant-pack $(OUT)/dist/replant-pack.new
	@mv $(OUT)/dist/replant-pack.new $(OUT)/dist/replant-pack

# For `make size`: the release binary that still has its symbols.
.PHONY: $(OUT)/replant-symbols
$(OUT)/replant-symbols: $(MUSL_OUT)/lib/libunwind.a
	$(MUSL_BUILD) --config 'profile.release.strip=false' -p replant
	@mkdir -p $(OUT)
	@cp $(MUSL_BIN)/replant $@
