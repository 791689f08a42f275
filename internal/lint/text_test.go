package lint

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unnamed are folder names that say nothing about what is inside.
var unnamed = []string{"util", "utils", "common", "helper", "helpers", "pkg", "misc", "lib", "shared", "base64"}

func TestFolderNames(t *testing.T) { report(t, folderNames(sources(t, ".go"))) }

func folderNames(files []sourceFile) []string {
	var bad []string
	for _, f := range files {
		for _, part := range strings.Split(path.Dir(f.path), "/") {
			if slices.Contains(unnamed, part) {
				bad = append(bad, fmt.Sprintf("%s: a folder named %s says nothing about its content", f.path, part))
			}
		}
	}
	return bad
}

// banned are texts that have no place in the repository. The patterns are split here so
// that this file does not hold them.
var banned = []struct {
	re  *regexp.Regexp
	why string
}{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`), "unfinished work belongs to the tracker, not into the source"},
	{regexp.MustCompile(`(^|[\s"'` + "`" + `(=:])/(ro` + `ot|ho` + `me/[a-z]|Us` + `ers/[a-z]|wo` + `rk)/`), "a path of one machine"},
	{regexp.MustCompile(`\bt\.(Ski` + `p|Ski` + `pf|Ski` + `pNow)\(`), "a test that is passed over proves nothing; check for tools in the Makefile"},
	{regexp.MustCompile(`panic\("(not imple` + `mented|unimple` + `mented)`), "a stub"},
	{regexp.MustCompile(`-----BEGIN (EC |ENCRYPTED )?PRIVATE` + ` KEY-----\n`), "a private key"},
	{regexp.MustCompile(`^(<{7}|>{7}|={7})(\s|$)`), "a merge conflict"},
}

func TestNoBannedText(t *testing.T) {
	report(t, bannedText(sources(t, ".go", ".md", ".sh", ".txt", ".yaml", ".yml", ".proto", "Makefile", ".ci/run", ".toml", ".mod", ".json")))
}

func bannedText(files []sourceFile) []string {
	var bad []string
	for _, f := range files {
		for n, line := range bytes.Split(f.text, []byte("\n")) {
			for _, b := range banned {
				if b.re.Match(line) {
					bad = append(bad, fmt.Sprintf("%s:%d: %s: %s", f.path, n+1, b.why, bytes.TrimSpace(line)))
				}
			}
		}
	}
	return bad
}

func TestTextRulesCatch(t *testing.T) {
	for _, bad := range []string{"// TO" + "DO: later", "x := \"/ro" + "ot/go\"", "see /wo" + "rk/x", "\tt.Ski" + "p(\"no docker\")", "<<<<<<< HEAD"} {
		require.NotEmpty(t, bannedText([]sourceFile{{"x.go", []byte(bad)}}), bad)
	}
	for _, good := range []string{"home/chains/x", "tree.root/left", "the TODOS of a list", "https://example.org/root/x", "framework/x"} {
		require.Empty(t, bannedText([]sourceFile{{"x.go", []byte(good)}}), good)
	}
	require.NotEmpty(t, folderNames([]sourceFile{{"node/util/x.go", nil}}))
	require.Empty(t, folderNames([]sourceFile{{"node/utility.go", nil}}))
}

// TestMakefile: few targets, each with its line in `make help`.
func TestMakefile(t *testing.T) {
	makefile := string(sources(t, "Makefile")[0].text)
	targets := regexp.MustCompile(`(?m)^([a-z][a-z-]*):(.*)$`).FindAllStringSubmatch(makefile, -1)
	require.Less(t, len(targets), 15)
	for _, m := range targets {
		require.Contains(t, m[2], "## ", "make %s has no help", m[1])
		require.Contains(t, makefile, ".PHONY: "+m[1]+"\n")
	}
	for _, want := range []string{"help", "build", "run", "test", "bench", "lint", "contracts", "fuzz", "soak", "clean"} {
		require.Contains(t, makefile, "\n"+want+":")
	}
}

// TestVetTool: what make vets with tells of faults, in packages that nothing else hangs on too.
func TestVetTool(t *testing.T) {
	tool, err := filepath.Abs("vet.sh")
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example\n"), 0o644))
	source := "package example\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%%d\", %s) }\n"
	for arg, want := range map[string]string{"1": "", `"x"`: "has arg \"x\" of wrong type string"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "f.go"), fmt.Appendf(nil, source, arg), 0o644))
		cmd := exec.CommandContext(t.Context(), "go", "vet", "-vettool="+tool, ".")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.Equal(t, want == "", err == nil, "%s", out)
		require.Contains(t, string(out), want)
	}
}
