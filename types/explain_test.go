package types_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/huchain/huchain/types"
)

var update = flag.Bool("update", false, "rewrite generated files")

// declaredCodes reads the constants of codes.go from its source.
func declaredCodes(t *testing.T) map[string]types.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	require.NoError(t, err)
	codes := map[string]types.Code{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		require.Len(t, spec.Names, 1)
		require.Len(t, spec.Values, 1, "%s needs its number written out", spec.Names[0].Name)
		lit, ok := spec.Values[0].(*ast.BasicLit)
		require.True(t, ok, "%s needs a plain number", spec.Names[0].Name)
		n64, err := strconv.ParseUint(lit.Value, 10, 32)
		require.NoError(t, err)
		codes[spec.Names[0].Name] = types.Code(n64)
		return true
	})
	require.NotEmpty(t, codes)
	return codes
}

func TestEveryCodeIsExplained(t *testing.T) {
	owner := map[types.Code]string{}
	for name, code := range declaredCodes(t) {
		require.NotContains(t, owner, code, "%s reuses the number of %s", name, owner[code])
		owner[code] = name
		if code == types.CodeOK {
			continue
		}
		require.True(t, code >= 1000 && code <= 9999, "%s: four digits", name)
		_, ok := types.Explain(code)
		require.True(t, ok, "%s (%s) has no row in explain.go", name, code)
	}
	var last types.Code
	for _, x := range types.Explanations() {
		require.Contains(t, owner, x.Code, "row %s has no constant in codes.go", x.Code)
		require.Greater(t, x.Code, last, "rows ascend, each code once")
		last = x.Code
	}
}

func TestExplanationsAreWritten(t *testing.T) {
	seen := map[string]types.Code{}
	for _, x := range types.Explanations() {
		for _, text := range []types.Text{x.Message, x.Cause, x.Fix} {
			require.NotEmpty(t, strings.TrimSpace(text.EN), "%s", x.Code)
			require.NotEmpty(t, strings.TrimSpace(text.ZH), "%s", x.Code)
			require.True(t, strings.ContainsFunc(text.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s: %q", x.Code, text.ZH)
			require.False(t, strings.ContainsFunc(text.EN, func(r rune) bool { return unicode.Is(unicode.Han, r) }), "%s: %q", x.Code, text.EN)
		}
		for _, m := range []string{x.Message.EN, x.Message.ZH} {
			require.NotContains(t, seen, m, "%s says the same as %s", x.Code, seen[m])
			seen[m] = x.Code
			require.False(t, strings.HasSuffix(m, ".") || strings.HasSuffix(m, "。"), "%s: details follow the message", x.Code)
		}
		for _, s := range []string{x.Cause.EN, x.Fix.EN} {
			require.True(t, strings.HasSuffix(s, "."), "%s: %q is no sentence", x.Code, s)
		}
		for _, s := range []string{x.Cause.ZH, x.Fix.ZH} {
			require.True(t, strings.HasSuffix(s, "。"), "%s: %q is no sentence", x.Code, s)
		}
	}
}

// TestErrorsPage keeps docs/errors.md equal to the table; -update rewrites it.
func TestErrorsPage(t *testing.T) {
	const path = "../docs/errors.md"
	var b strings.Builder
	b.WriteString("# Error codes / 错误代码\n\n")
	b.WriteString("Generated from `types/explain.go` by `go test ./types -run TestErrorsPage -update`.\n")
	b.WriteString("Numbers are never reused. `huchain explain HC-2104` prints a row. *Retry*: the same request may succeed later unchanged.\n")
	for _, x := range types.Explanations() {
		fmt.Fprintf(&b, "\n## %s %s / %s\n\n", x.Code, x.Message.EN, x.Message.ZH)
		fmt.Fprintf(&b, "- Cause: %s\n- Fix: %s\n", x.Cause.EN, x.Fix.EN)
		fmt.Fprintf(&b, "- 原因：%s\n- 处理：%s\n", x.Cause.ZH, x.Fix.ZH)
		if x.Retry {
			b.WriteString("- Retry / 可原样重试\n")
		}
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
	}
	have, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, b.String(), string(have), "run go test ./types -run TestErrorsPage -update")
}

func TestErrorTexts(t *testing.T) {
	cause := os.ErrNotExist
	err := types.Errorf(types.CodeKeyFile, "open %s: %w", "node.key", cause)
	require.EqualError(t, err, "HC-6101 key file cannot be used: open node.key: file does not exist")
	require.ErrorIs(t, err, cause)
	require.ErrorIs(t, fmt.Errorf("start: %w", err), &types.Error{Code: types.CodeKeyFile})
	require.NotErrorIs(t, err, &types.Error{Code: types.CodeCertFile})
	require.Equal(t, types.CodeKeyFile, types.CodeOf(fmt.Errorf("start: %w", err)))
	require.Equal(t, types.CodeInternal, types.CodeOf(cause))
	require.Equal(t, types.CodeOK, types.CodeOf(nil))
	require.Equal(t, "OK", types.CodeOK.String())
	require.Equal(t, "HC-9998: x", (&types.Error{Code: 9998, Detail: "x"}).Error())
}
