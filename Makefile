# SPDX-License-Identifier: MIT OR Apache-2.0
# Everything that a person types. `make help` lists it.

OUT        := out
TARGET     := x86_64-unknown-linux-musl
MUSL_OUT   := target/musl

# Two ways to a static musl binary: rustup's target where it is installed,
# otherwise Debian's own Rust with its source, which builds std itself.
RUSTUP_STD := $(wildcard $(shell rustc --print target-libdir --target $(TARGET) 2>/dev/null)/libstd-*.rlib)
ifneq ($(RUSTUP_STD),)
MUSL_WAY   := rustup
MUSL_CARGO := cargo
MUSL_FLAGS :=
MUSL_ENV   := CC_x86_64_unknown_linux_musl=musl-gcc
else
MUSL_WAY   := debian
MUSL_CARGO := /usr/bin/cargo
MUSL_FLAGS := -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size
MUSL_ENV   := RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CC_x86_64_unknown_linux_musl=musl-gcc \
              CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=musl-gcc \
              CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="-C target-feature=+crt-static -C link-self-contained=no -C relocation-model=static -L $(CURDIR)/$(MUSL_OUT)/lib"
endif
MUSL_BUILD := $(MUSL_ENV) $(MUSL_CARGO) build --release --target $(TARGET) --target-dir $(MUSL_OUT) $(MUSL_FLAGS)
MUSL_BIN   := $(MUSL_OUT)/$(TARGET)/release

.PHONY: all
all: $(OUT)/init $(OUT)/replant $(OUT)/replant-pack

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
	@cp $(MUSL_BIN)/replant $@

.PHONY: $(OUT)/replant-pack
$(OUT)/replant-pack:
	cargo build -p replant-pack
	@mkdir -p $(OUT)
	@cp target/debug/replant-pack $@
