# HuChain. `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
FUZZTIME ?= 10s
DIDS     ?= 40000
RUST     := /usr/bin/rustc wasm-ld-14
# Debian keeps PostgreSQL's server outside the path.
POSTGRES := $(or $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin/postgres))),postgres)
# An S3 server for the tests of archives, as "go install" leaves it.
S3SERVER := $(or $(shell command -v versitygw),$(shell $(GO) env GOPATH)/bin/versitygw)
MODULE   := github.com/huchain/huchain
LINTER   := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

# What is built is optimised by the profile cmd/huchain/default.pgo; tests, which would have
# to compile everything once more for it, do without. The profile is taken anew by
#   bin/huchain bench run --scenario NAME --duration 30s --ceiling 0 --cpu-profiles .bench/pgo/NAME
# for the scenarios evidence, transfer and query, and then
#   go tool pprof -proto .bench/pgo/*/*.pprof > cmd/huchain/default.pgo
PGO ?= $(if $(filter test,$(MAKECMDGOALS)),off,auto)
export PGO

# Go embeds no version control state of its own: it fails where another user owns the clone.
# What is compiled serves every clone on the machine, and tests are linked without what only
# debuggers read. make test vets once, before its tests.
export GOFLAGS = -buildvcs=false -trimpath -ldflags=-w -vet=off -pgo=$(PGO)
export CGO_ENABLED := 0

# Vet looks at our own packages, not at those they depend on.
VET := $(GO) vet -vettool=$(CURDIR)/internal/lint/vet.sh

COMMIT := $(shell git describe --always --abbrev=40 --match=NONE --dirty 2>/dev/null || echo unknown)
DATE   := $(shell TZ=UTC0 git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null || echo unknown)
STAMP  := -X $(MODULE)/internal/version.commit=$(COMMIT) -X $(MODULE)/internal/version.date=$(DATE)

# needs checks for tools and names the missing ones: $(call needs,tool ...).
define needs
@missing=; for tool in $(1); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
if [ -n "$$missing" ]; then \
	echo "make $@ needs tools that are missing here:$$missing" >&2; \
	echo "on Debian: apt-get install$$(for t in $$missing; do case $$t in go) printf ' (Go 1.26 from https://go.dev/dl)';; gcc) printf ' gcc libc6-dev';; /usr/bin/rustc) printf ' rustc libstd-rust-dev-wasm32';; wasm-ld-14) printf ' lld-14';; ip) printf ' iproute2';; *postgres) printf ' postgresql';; pdftoppm) printf ' poppler-utils';; zbarimg) printf ' zbar-tools';; *versitygw) printf ' (go install github.com/versity/versitygw/cmd/versitygw@v1.8.0)';; *) printf " $$t";; esac; done)" >&2; \
	exit 1; \
fi
endef

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 12

.PHONY: build
build: web/dist/index.html ## build bin/huchain (static, reproducible; with the web console where npm is)
	$(call needs,go git)
	$(GO) build -ldflags '-s -w $(STAMP)' -o bin/huchain ./cmd/huchain

# The console is part of the binary wherever npm is; without it the binary serves a page that says so.
web/dist/index.html: $(shell git ls-files web/src web/*.json web/*.ts web/index.html sdk/typescript/src sdk/typescript/*.json 2>/dev/null)
	@if command -v npm >/dev/null; then \
		echo "building the web console"; \
		(cd sdk/typescript && npm ci) && cd web && npm ci && npm run build; \
	else echo "npm is missing here: bin/huchain is built without the web console" >&2; fi

.PHONY: run
run: build ## start a chain of four validators on this machine
	bin/huchain devnet up

# Packages whose goroutines share memory run under the race detector, and once more without
# it what takes minutes there (SLOW) or runs shortened (SHORT). The others only start
# processes, or have no goroutines (SERIAL; internal/lint looks). The slow ones wait for much,
# so the variants of the virtual machine run beside them.
SLOW  := ^Test(Join|Pruning|Restored|Torn|Rotten|ValidatorsReplaced|Twins|Backup|NodeArchives|KillAt|Released|FlippedBytes|FsckFinds|CrashAtEveryWrite|ArchivingGoesOn)
SHORT := ^Test(ParallelEqualsSerial|Altered|Forged|Bent)
SERIAL := chain/founding|chain/policy|crypto|crypto/cert|crypto/cms|crypto/envelope|crypto/internal/sm3x8|crypto/internal/sm4gcm|crypto/keystore|crypto/loadsign|crypto/timestamp|ledger/backup|ledger/proof|types
# Packages tested at a time: their tests wait, for disks, networks and processes they start.
AT_A_TIME := $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
RACED = $(shell $(GO) list ./bench ./chain/... ./client ./consensus/... ./crypto/... ./devnet ./ledger/... ./node/... ./types/... 2>/dev/null | grep -vxE '$(MODULE)/($(SERIAL))')

.PHONY: test
test: web/dist/index.html ## vet, race detector, all tests (needs root, gcc, openssl, iproute2, postgresql, python3, versitygw, Node.js 20, chromium, qpdf, poppler-utils, zbar-tools, and Debian's rustc with lld-14)
	$(call needs,go git gcc openssl ip python3 node npm chromium qpdf pdftoppm zbarimg $(RUST) $(POSTGRES) $(S3SERVER))
	cd sdk/typescript && npm test
	$(VET) ./...
	$(VET) -tags 'sdf invariants' ./crypto/sdf ./vm/engine
	CGO_ENABLED=1 $(GO) test -p $(AT_A_TIME) -race -short -skip '$(SLOW)' $(RACED)
	$(GO) test -run '$(SLOW)|$(SHORT)' $(RACED) & slow=$$!; trap "kill $$slow 2>/dev/null || :" EXIT; \
	CGO_ENABLED=1 $(GO) test -race -short -run "Concurrent|Nested|Cancel|Space" ./vm/engine; \
	HUCHAIN_VM_CALLS=2000 $(GO) test -tags invariants -skip Restless ./vm/engine; \
	HUCHAIN_VM_MODE=copy $(GO) test -tags invariants -skip 'Restless|Oracle|ModesAgree' ./vm/engine; \
	$(GO) test -tags sdf ./crypto/sdf; \
	GOARCH=arm64 $(VET) ./vm/...; \
	wait $$slow
	$(GO) test -p $(AT_A_TIME) ./crypto/internal/sm2fast $$(comm -23 <($(GO) list ./... | grep -v '/test$$') <($(GO) list $(RACED)))
	$(GO) test -timeout 20m ./test

# How long each load is measured, and how often in turns.
HUCHAIN_BENCH_DURATION ?= 60s
HUCHAIN_BENCH_ROUNDS   ?= 1
# Deposits that are stored before reads are measured (the goal is for 1000000, a quarter of
# an hour), and an empty PostgreSQL database, postgres://…, to measure the lag of a mirror in.
HUCHAIN_BENCH_STORED   ?= 100000
HUCHAIN_BENCH_POSTGRES ?=

.PHONY: bench
bench: build benchstate benchhistory ## all measurements; loads fill the table of docs/performance.md, HUCHAIN_BENCH_ROUNDS times each
	$(call needs,go git)
	@mkdir -p .bench
	$(GO) test -run '^$$' -bench Interleaved -benchtime 1x ./vm/engine | tee .bench/vm.txt
	load() { bin/huchain bench run --duration $(HUCHAIN_BENCH_DURATION) --report .bench/loads/$$1.json --report .bench/loads/$$1.html "$${@:2}"; }; \
	for round in $$(seq $(HUCHAIN_BENCH_ROUNDS)); do \
		load evidence-$$round --scenario evidence; \
		load evidence-single-$$round --scenario evidence --validators 1; \
		load evidence-ramp-$$round --scenario evidence --ramp --ceiling 0; \
		load transfer-cold-$$round --scenario transfer --ceiling 0; \
		load transfer-hot-$$round --scenario transfer --zipf 1.2 --ceiling 0; \
		load query-$$round --scenario query --ceiling 0; \
		load evidence-streams-$$round --scenario evidence --streams 200 --ceiling 0; \
		load mixed-$$round --scenario mixed --clients 50 --streams 200 --mirror sqlite --ceiling 0; \
		load mirror-$$round --scenario evidence --rate 1000 --mirror sqlite --ceiling 0; \
		if [ -n "$(HUCHAIN_BENCH_POSTGRES)" ]; then load mirror-postgres-$$round --scenario evidence --rate 1000 --mirror "$(HUCHAIN_BENCH_POSTGRES)" --ceiling 0; fi; \
		load read-$$round --scenario read --stored $(HUCHAIN_BENCH_STORED) --rate 200 --validators 1 --mirror sqlite; \
	done
	bin/huchain bench run --scenario did --dids $(DIDS) --report .bench/loads/did.json --report .bench/loads/did.html
	bin/huchain bench publish .bench/loads $(wildcard .bench/growth) --doc docs/performance.md

# Records, validators and bytes at which growth is measured; 10000000 records take a minute
# to lay and 10 GB of disk.
HUCHAIN_BENCH_RECORDS    ?= 10000,1000000
HUCHAIN_BENCH_VALIDATORS ?= 4,1,7
HUCHAIN_BENCH_PAYLOADS   ?= 250,1024,4096,16384

.PHONY: growth
growth: build ## measure as records, validators and payloads grow; table and chart of docs/performance.md
	$(call needs,go git)
	bin/huchain bench growth --records $(HUCHAIN_BENCH_RECORDS) --validators $(HUCHAIN_BENCH_VALIDATORS) --payloads $(HUCHAIN_BENCH_PAYLOADS) \
		--duration $(HUCHAIN_BENCH_DURATION) --rounds $(HUCHAIN_BENCH_ROUNDS) --dir .bench/growth
	bin/huchain bench publish $(wildcard .bench/loads) .bench/growth --doc docs/performance.md

# Keys in the state and transactions in the history; the goals are for 10000000 and 5000000.
HUCHAIN_BENCH_KEYS ?= 1000000
HUCHAIN_BENCH_TXS  ?= 500000

.PHONY: benchstate
benchstate: ## measure the state tree at 10^5 and HUCHAIN_BENCH_KEYS keys beside raw Pebble and iavl
	$(call needs,go)
	@mkdir -p .bench
	for keys in 100000 $(HUCHAIN_BENCH_KEYS); do \
		$(GO) test -run '^$$' -bench 'State|RawPebble' -benchtime 200x -timeout 3h ./ledger/state -state.keys $$keys; \
	done | tee .bench/state.txt
	cd bench/iavl && $(GO) test -run '^$$' -bench . -benchtime 20x -timeout 3h -iavl.keys $(HUCHAIN_BENCH_KEYS) | tee ../../.bench/iavl.txt

.PHONY: benchhistory
benchhistory: ## measure history: processor time, disk, lookups and archiving with HUCHAIN_BENCH_TXS transactions
	$(call needs,go)
	@mkdir -p .bench
	$(GO) test -run '^$$' -bench History -benchtime 1x -timeout 3h ./ledger/block -block.txs $(HUCHAIN_BENCH_TXS) | tee .bench/history.txt
	$(GO) test -run '^$$' -bench Lookup -benchtime 1x -timeout 3h ./ledger -ledger.txs $(HUCHAIN_BENCH_TXS) | tee -a .bench/history.txt
	$(GO) test -run '^$$' -bench 'Archive$$' -benchtime 1x -timeout 3h ./ledger -ledger.txs $(HUCHAIN_BENCH_TXS) | tee -a .bench/history.txt

.PHONY: lint
lint: ## golangci-lint and the rules of internal/lint
	$(call needs,go git)
	$(GO) run $(LINTER) run ./...
	$(GO) test ./internal/lint

.PHONY: contracts
contracts: build ## build the contract bundles into bin/bundles and write contracts/bundles.lock
	$(call needs,go $(RUST))
	bin/huchain contract build --all --out bin/bundles

.PHONY: mutation
mutation: ## plant faults in the base contracts; their transcripts must notice 80 %
	$(call needs,go)
	HUCHAIN_MUTANTS_EVERY=1 $(GO) test -count 1 -v ./contracts/mutation

.PHONY: fuzz
fuzz: ## fuzz every decoder for FUZZTIME (10s) each
	$(call needs,go)
	@grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do \
		sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$$file" | while read -r target; do \
			echo "fuzz $$(dirname "$$file") $$target"; \
			$(GO) test "$$(dirname "$$file")" -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME); \
		done; \
	done

.PHONY: soak
soak: build ## the tests at full size: 10^6 calls and records, 200 kills, four processes for HUCHAIN_SOAK=20 times as long, an hour of load
	$(call needs,go git)
	HUCHAIN_TEST_SNAPSHOT_RECORDS=$${HUCHAIN_TEST_SNAPSHOT_RECORDS:-1000000} $(GO) test -count 1 -timeout 1h -run 'TestRestoredGoesOnAlike|TestJoinBySnapshot' ./ledger/snapshot ./consensus
	HUCHAIN_TEST_KILL_ROUNDS=$${HUCHAIN_TEST_KILL_ROUNDS:-200} $(GO) test -count 1 -timeout 1h -run TestKillAtRandomPoints ./ledger
	HUCHAIN_TEST_PARALLEL_TXS=$${HUCHAIN_TEST_PARALLEL_TXS:-1000000} $(GO) test -count 1 -timeout 2h -run TestParallelEqualsSerial ./chain
	HUCHAIN_VM_CALLS=$${HUCHAIN_VM_CALLS:-1000000} $(GO) test -count 1 -timeout 4h -run TestFreshInstanceOracle ./vm/engine
	HUCHAIN_TEST_STORED_FILES=$${HUCHAIN_TEST_STORED_FILES:-100000} $(GO) test -count 1 -timeout 6h -run TestManyFiles ./services/filestore
	HUCHAIN_SOAK=10 HUCHAIN_TEST_DEPOSITS=$${HUCHAIN_TEST_DEPOSITS:-100000} $(GO) test -count 1 -timeout 6h -run TestEvidenceService ./test
	HUCHAIN_TEST_API_KEYS=$${HUCHAIN_TEST_API_KEYS:-100000} $(GO) test -count 1 -run TestManyKeys ./node/access
	HUCHAIN_TEST_MUTATIONS=$${HUCHAIN_TEST_MUTATIONS:-10000} $(GO) test -count 1 -timeout 1h -run TestCertificate ./services/certificate
	HUCHAIN_SOAK=$${HUCHAIN_SOAK:-20} $(GO) test -count 1 -timeout 12h ./test
	bin/huchain bench run --ramp --share 0.5 --duration $${HUCHAIN_SOAK_LOAD:-1h} --report .bench/soak.json --report .bench/soak.html

.PHONY: clean
clean: ## remove what was built here
	rm -rf bin .bench
