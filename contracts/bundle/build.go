package bundle

import (
	"os"
	"path/filepath"

	"github.com/huchain/huchain/types"
)

// Build packs the bundle in folder dir, whose bundle.yaml must agree with its
// schema.json, together with its compiled code. Errors are HC-3302 and HC-3303.
func Build(dir string, wasm []byte) ([]byte, error) {
	yamlRaw, err := readFile(dir, YAMLFile)
	if err != nil {
		return nil, err
	}
	schemaRaw, err := readFile(dir, SchemaFile)
	if err != nil {
		return nil, err
	}
	m, err := Check(yamlRaw, schemaRaw)
	if err != nil {
		return nil, err
	}
	return Pack(m, yamlRaw, schemaRaw, wasm)
}

// Check validates bundle.yaml, alone and against schema.json, and derives the manifest.
// Errors are HC-3303; those about bundle.yaml hold every finding, see Invalid.
func Check(yamlRaw, schemaRaw []byte) (*Manifest, error) {
	spec, schema, err := parseBoth(yamlRaw, schemaRaw)
	if err != nil {
		return nil, err
	}
	m, err := spec.Manifest()
	if err != nil {
		return nil, err
	}
	m.Init, m.Migrate = schema.Init != nil, schema.Migrate
	return m, nil
}

func parseBoth(yamlRaw, schemaRaw []byte) (*Spec, *Schema, error) {
	schema, err := ParseSchema(schemaRaw)
	if err != nil {
		return nil, nil, err
	}
	var f findings
	spec, err := parseSpec(yamlRaw, &f)
	if err == nil && spec != nil {
		spec.check(&f, schema)
	}
	if err == nil {
		err = f.err()
	}
	return spec, schema, err
}

func readFile(dir, name string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, types.Errorf(types.CodePackageInvalid, "read bundle: %w", err)
	}
	return raw, nil
}
