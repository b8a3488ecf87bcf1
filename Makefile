# The front door. meson and ninja do the work; `make help` says what there is.

BUILD ?= build
MESON ?= meson
# The distribution's own interpreter: the Python peers of the interop tests belong to it.
PYTHON ?= $(or $(wildcard /usr/bin/python3),python3)
SECONDS_EACH ?= 60
# How many seeds make sim runs, and the first of them. With SEED alone it is that one.
SEEDS ?= $(if $(SEED),1,20000)

all: deps $(BUILD)/build.ninja
	ninja -C $(BUILD)

help:
	@echo "make             build the library, the tool and the examples in $(BUILD)/"
	@echo "make demo        build, and show a server and a client talking"
	@echo "make docs        manual pages and an HTML reference in $(BUILD)/docs/"
	@echo "make test        unit tests, rules of the house, fuzz corpora, and interop tests with the peers that are installed"
	@echo "make peers       install the peers of the interop tests (Debian, as root); no service is started"
	@echo "make check-deep  what takes long: ThreadSanitizer, valgrind, random schedules"
	@echo "make sim         SEEDS=$(SEEDS) random schedules and simulated connections with faults, from seed SEED on"
	@echo "make fuzz        run each fuzz target for SECONDS_EACH=$(SECONDS_EACH) seconds (clang 14)"
	@echo "make fuzz-coverage  show which part of the code the inputs of each fuzz target reach"
	@echo "make bench       build for speed and measure"
	@echo "make install     install below prefix (meson configure $(BUILD) -Dprefix=…); DESTDIR is honoured"
	@echo "make clean       remove what was built"
	@echo
	@echo "Missing build dependencies are installed with apt when run as root; scripts/install-deps does that alone."

deps:
	@scripts/install-deps

$(BUILD)/build.ninja:
	$(MESON) setup $(BUILD)

demo: all
	$(BUILD)/examples/demo

test: all
	$(MESON) test -C $(BUILD) --no-rebuild --no-suite bench --print-errorlogs
	@SSHIO_BUILD=$(BUILD) PYTHON=$(PYTHON) scripts/interop

docs: deps $(BUILD)/build.ninja
	ninja -C $(BUILD) docs

peers:
	scripts/install-peers

check-deep: deps
	scripts/check-deep

sim: deps
	@test -f build-release/build.ninja || $(MESON) setup build-release --buildtype=release
	ninja -C build-release tests/unit/engine_test_schedules tests/sim/sim_test_connections
	SSHIO_SEEDS=$(SEEDS) SSHIO_SEED=$(SEED) SSHIO_REAL_SEEDS=$(if $(SEED),0,100) build-release/tests/unit/engine_test_schedules
	SSHIO_SEEDS=$(SEEDS) SSHIO_SEED=$(SEED) build-release/tests/sim/sim_test_connections

fuzz: deps
	scripts/fuzz $(SECONDS_EACH)

fuzz-coverage: deps
	scripts/fuzz-coverage

bench: deps
	@test -f build-release/build.ninja || $(MESON) setup build-release --buildtype=release
	ninja -C build-release
	$(PYTHON) bench/run_bench.py --build build-release

install: all
	$(MESON) install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) build-asan build-coverage build-fuzz build-release build-tsan

.PHONY: all help deps demo docs test peers check-deep sim fuzz fuzz-coverage bench install clean
