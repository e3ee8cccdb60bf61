// Command dockerlint judges a Dockerfile by the rules of BuildKit's own linter, the
// one behind `docker build --check`, without an engine.
//
//	dockerlint Dockerfile [ARG=VALUE...]
//
// It prints LINE: RULE: MESSAGE and ends with 1 if there is any. No base image is
// looked at.
//
// It is no part of this module: .ci/container-test builds it elsewhere, so that BuildKit
// is not among our requirements.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
)

// noImages takes every base image for one that is there and says nothing.
type noImages struct{}

func (noImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config, err := json.Marshal(dockerspec.DockerOCIImage{})
	return ref, digest.FromBytes(config), config, err
}

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: dockerlint Dockerfile [ARG=VALUE...]")
	}
	content, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	args := map[string]string{}
	for _, arg := range os.Args[2:] {
		name, value, _ := strings.Cut(arg, "=")
		args[name] = value
	}
	source := llb.NewSourceMap(nil, os.Args[1], "Dockerfile", content)
	source.Definition = &llb.Definition{} // where an engine would have the file from
	results, err := dockerfile2llb.DockerfileLint(context.Background(), content, dockerfile2llb.ConvertOpt{
		Config:       dockerui.Config{BuildArgs: args},
		MetaResolver: noImages{},
		SourceMap:    source,
	})
	if err != nil {
		log.Fatal(err)
	}
	if results.Error != nil {
		log.Fatal(results.Error.Message)
	}
	for _, w := range results.Warnings {
		line := int32(0)
		if ranges := w.Location.GetRanges(); len(ranges) > 0 {
			line = ranges[0].GetStart().GetLine()
		}
		fmt.Printf("%d: %s: %s\n", line, w.RuleName, w.Detail)
	}
	if len(results.Warnings) > 0 {
		os.Exit(1)
	}
}
