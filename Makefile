# Thin: what each target does is the one line below it.
.PHONY: build test lint ci docs image

build:
	CGO_ENABLED=0 go build -trimpath -o gopreflight .

test:
	go test ./...

# Formatting, vet for three systems, tidy, golangci-lint, actionlint, shellcheck.
lint:
	.ci/run lint

# Everything, as CI runs it: needs Debian, root and a network.
ci:
	.ci/run

# Generated documents: the tests that guard them write them with -update.
docs:
	go test ./internal/cli -run TestRulesDocument -update

image:
	docker build -t gopreflight .
