# Every target is one plain sh script: without make, run `sh scripts/<target>.sh`.
.DEFAULT_GOAL := help
.PHONY: help run test coverage lint types bench docs seed cluster faults fuzz screens lock operations

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile
	@echo "  ARGS=… is passed on: make test ARGS='tests/timers -k pause'. Without make: sh scripts/<target>.sh"

run: ## Start Greenroom with nothing configured and print where to go
	@exec sh scripts/run.sh $(ARGS)

test: ## Check style and types, then run every test against real services
	@exec sh scripts/test.sh $(ARGS)

coverage: ## The same, and which branches of app/ the tests took
	@exec sh scripts/coverage.sh $(ARGS)

lint: ## Style, layers and formatting
	@exec sh scripts/lint.sh $(ARGS)

types: ## mypy, strict
	@exec sh scripts/types.sh $(ARGS)

bench: ## Measure the targets of docs/ on this machine
	@exec sh scripts/bench.sh $(ARGS)

docs: ## Write the generated parts of docs/ again
	@exec sh scripts/docs.sh $(ARGS)

seed: ## Make the demo room and accounts, print the host's login
	@exec sh scripts/seed.sh $(ARGS)

cluster: ## The production shape on this machine: PostgreSQL, Valkey, S3, nginx, two workers
	@exec sh scripts/cluster.sh $(ARGS)

faults: ## Break every part under load, print what came of it (ARGS=--write: into docs/faults.md)
	@exec sh scripts/faults.sh $(ARGS)

operations: ## Execute the commands of docs/operations.md on a clean Debian (root, debootstrap)
	@exec sh scripts/operations.sh $(ARGS)

fuzz: ## schemathesis on the whole API, for minutes
	@exec sh scripts/fuzz.sh $(ARGS)

screens: ## Take the screenshots of docs/ again
	@exec sh scripts/screens.sh $(ARGS)

lock: ## Pin requirements*.in with hashes (needs uv)
	@exec sh scripts/lock.sh $(ARGS)

.PHONY: example-vue example-react example-bot
example-vue: ## A Vue app on http://localhost:5173, with a Greenroom of its own
	@exec sh scripts/example.sh vue $(ARGS)

example-react: ## The same in React
	@exec sh scripts/example.sh react $(ARGS)

example-bot: ## A timekeeper that announces and answers; ARGS=<share link> for a room of yours
	@exec sh scripts/example.sh bot $(ARGS)
