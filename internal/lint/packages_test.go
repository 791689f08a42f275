package lint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Licences of npm packages: those that the console or the SDK ships with must be compatible
// with Apache-2.0 and ask for a notice at most; tools of the build, of which nothing is
// shipped, may also be weakly copyleft.
var (
	shippedLicences = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
	toolLicences    = append([]string{"MPL-2.0"}, shippedLicences...)
)

var exactVersion = regexp.MustCompile(`^\d+\.\d+\.\d+$`)

// TestNPMPackages: every package is asked for by its exact version, pinned by its SHA-512,
// and of a licence that the product may use.
func TestNPMPackages(t *testing.T) {
	for _, dir := range []string{"web", "sdk/typescript"} {
		var asked struct{ Dependencies, DevDependencies map[string]string }
		read(t, filepath.Join("..", "..", dir, "package.json"), &asked)
		for _, list := range []map[string]string{asked.Dependencies, asked.DevDependencies} {
			for name, version := range list {
				require.True(t, exactVersion.MatchString(version) || strings.HasPrefix(version, "file:"), "%s asks for %s %s", dir, name, version)
			}
		}
		var lock struct {
			Packages map[string]struct {
				Version, Integrity, License string
				Link, Dev                   bool
			}
		}
		read(t, filepath.Join("..", "..", dir, "package-lock.json"), &lock)
		require.NotEmpty(t, lock.Packages)
		for place, p := range lock.Packages {
			if !strings.Contains(place, "node_modules/") || p.Link {
				continue // our own
			}
			require.True(t, strings.HasPrefix(p.Integrity, "sha512-"), "%s: %s is not pinned", dir, place)
			require.NotEmpty(t, p.Version, place)
			allowed := shippedLicences
			if p.Dev {
				allowed = toolLicences
			}
			require.True(t, slices.Contains(allowed, p.License), "%s: %s is under %q", dir, place, p.License)
		}
	}
}

func read(t *testing.T, path string, into any) {
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, into))
}
