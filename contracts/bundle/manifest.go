package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/huchain/huchain/types"
)

// Format is the newest bundle format this package writes and reads.
const Format = 1

// Bounds of a manifest.
const (
	MaxManifestBytes = 256 << 10
	MaxMethods       = 256
	MaxUses          = 32
	MaxParamsBytes   = 16 << 10
)

// Names with a fixed meaning that no bundle may list among its methods.
const (
	InitMethod    = "init"    // entered once, at installation, with the parameters
	MigrateMethod = "migrate" // entered once, at upgrade, with the version before
)

// MethodPattern is the form of method, event and field names.
const MethodPattern = `[a-z][a-zA-Z0-9]{0,63}`

var (
	methodRE  = regexp.MustCompile(`^` + MethodPattern + `$`)
	versionRE = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})$`)
	usesRE    = regexp.MustCompile(`^` + types.NamePattern + `@(0|[1-9][0-9]{0,5})$`)
)

// Manifest is what the chain knows about a bundle.
type Manifest struct {
	Bundle   int             `json:"bundle"` // format
	Name     string          `json:"name"`   // contract name and state namespace
	Version  string          `json:"version"`
	Language string          `json:"language"`          // go or rust
	Uses     []string        `json:"uses,omitempty"`    // contracts it calls, name@major, ascending
	Params   json.RawMessage `json:"params,omitempty"`  // object: argument of init
	Init     bool            `json:"init,omitempty"`    // has an init entry, called at installation
	Migrate  bool            `json:"migrate,omitempty"` // has a migrate entry, called at upgrade
	Methods  []Method        `json:"methods"`           // ascending by name

	// Capabilities are what the module may ask of the chain, ascending; see Grants.
	Capabilities []types.Capability `json:"capabilities,omitempty"`
}

// Grants returns the capabilities that admission holds the module against: those declared.
// A manifest that declares none is one from before they were declared, and is held to what
// it says otherwise: where no method writes and there is no init or migrate entry, its
// module has no use for emit and write.
func (m *Manifest) Grants() []types.Capability {
	if len(m.Capabilities) > 0 {
		return m.Capabilities
	}
	out := types.Capabilities()
	if m.Init || m.Migrate || slices.ContainsFunc(m.Methods, func(x Method) bool { return x.Writes }) {
		return out
	}
	return slices.DeleteFunc(out, func(c types.Capability) bool {
		return c == types.CapabilityEmit || c == types.CapabilityWrite
	})
}

// Method is one entry of a contract.
type Method struct {
	Name   string `json:"name"`
	Writes bool   `json:"writes"` // false: can only be queried, and cannot change anything
	Allow  string `json:"allow"`
}

// Method looks a method up by name.
func (m *Manifest) Method(name string) (Method, bool) {
	for _, x := range m.Methods {
		if x.Name == name {
			return x, true
		}
	}
	return Method{}, false
}

// Encode returns the canonical JSON of a valid manifest.
func (m *Manifest) Encode() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m.marshal()
}

func (m *Manifest) marshal() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return b.Bytes(), nil
}

// DecodeManifest reads what Encode wrote, and nothing else. Errors are HC-3303.
func DecodeManifest(raw []byte) (Manifest, error) {
	var m Manifest
	if len(raw) > MaxManifestBytes {
		return m, refuseManifest("%d bytes, at most %d", len(raw), MaxManifestBytes)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, refuseManifest("%w", err)
	}
	if err := m.Validate(); err != nil {
		return Manifest{}, err
	}
	if canonical, err := m.marshal(); err != nil || !bytes.Equal(canonical, raw) {
		return Manifest{}, refuseManifest("manifest.json is not in canonical form")
	}
	return m, nil
}

// Validate checks every rule but the canonical form. Errors are HC-3303.
func (m *Manifest) Validate() error {
	if m.Bundle < 1 || m.Bundle > Format {
		return refuseManifest("bundle format %d, this version reads 1 to %d", m.Bundle, Format)
	}
	if !types.ValidName(m.Name) {
		return refuseManifest("name %q: must match %s", m.Name, types.NamePattern)
	}
	if !versionRE.MatchString(m.Version) {
		return refuseManifest("version %q: must be three numbers, as 1.0.0", m.Version)
	}
	if m.Language != "go" && m.Language != "rust" {
		return refuseManifest("language %q: must be go or rust", m.Language)
	}
	for _, check := range []func() error{m.validateUses, m.validateParams, m.validateMethods, m.validateCapabilities} {
		if err := check(); err != nil {
			return refuseManifest("%w", err)
		}
	}
	return nil
}

func (m *Manifest) validateUses() error {
	if len(m.Uses) > MaxUses {
		return fmt.Errorf("uses %d contracts, at most %d", len(m.Uses), MaxUses)
	}
	last := ""
	for _, u := range m.Uses {
		if !usesRE.MatchString(u) {
			return fmt.Errorf("uses %q: must be name@major, as identity@1", u)
		}
		name, _, _ := strings.Cut(u, "@")
		if name == m.Name {
			return errors.New("uses itself")
		}
		if name <= last {
			return fmt.Errorf("uses %q: names must ascend and differ", u)
		}
		last = name
	}
	return nil
}

func (m *Manifest) validateParams() error {
	if m.Params == nil {
		return nil
	}
	if len(m.Params) > MaxParamsBytes {
		return fmt.Errorf("params of %d bytes, at most %d", len(m.Params), MaxParamsBytes)
	}
	if !json.Valid(m.Params) || len(m.Params) == 0 || m.Params[0] != '{' {
		return errors.New("params must be a JSON object")
	}
	return nil
}

func (m *Manifest) validateMethods() error {
	if len(m.Methods) == 0 || len(m.Methods) > MaxMethods {
		return fmt.Errorf("%d methods, must be 1 to %d", len(m.Methods), MaxMethods)
	}
	last := ""
	for _, x := range m.Methods {
		if !methodRE.MatchString(x.Name) || x.Name == InitMethod || x.Name == MigrateMethod {
			return fmt.Errorf("method %q: must match %s and not be init or migrate", x.Name, MethodPattern)
		}
		if x.Name <= last {
			return fmt.Errorf("method %q: names must ascend and differ", x.Name)
		}
		last = x.Name
		rule, err := ParseAllow(x.Allow)
		if err != nil {
			return fmt.Errorf("method %q: %w", x.Name, err)
		}
		if rule.String() != x.Allow {
			return fmt.Errorf("method %q: allow rule must read %q", x.Name, rule)
		}
	}
	return nil
}

func (m *Manifest) validateCapabilities() error {
	last := types.Capability("")
	for _, c := range m.Capabilities {
		if !slices.Contains(types.Capabilities(), c) {
			return fmt.Errorf("capability %q: must be one of %v", c, types.Capabilities())
		}
		if c <= last {
			return fmt.Errorf("capability %q: must ascend and differ", c)
		}
		last = c
	}
	return nil
}

// CompareVersions orders two versions as three numbers each: -1, 0 or 1. A malformed
// version counts as 0.0.0.
func CompareVersions(a, b string) int {
	pa, pb := versionParts(a), versionParts(b)
	for i := range pa {
		if pa[i] != pb[i] {
			if pa[i] < pb[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

func versionParts(s string) (out [3]int) {
	m := versionRE.FindStringSubmatch(s)
	for i := range out {
		if m != nil {
			out[i], _ = strconv.Atoi(m[i+1]) // digits by the pattern
		}
	}
	return out
}

func refuseManifest(format string, args ...any) error {
	return types.Errorf(types.CodeManifestInvalid, format, args...)
}
