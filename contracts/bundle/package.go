package bundle

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
)

// Bounds of a package file.
const (
	MaxPackageBytes  = 8 << 20 // compressed
	MaxUnpackedBytes = 8 << 20 // the tar within
)

// The files of a package, in this order.
const (
	ManifestFile = "manifest.json"
	YAMLFile     = "bundle.yaml"
	SchemaFile   = "schema.json"
	CodeFile     = "contract.wasm"
)

var packageFiles = [...]string{ManifestFile, YAMLFile, SchemaFile, CodeFile}

// Package is an opened package file.
type Package struct {
	Manifest   Manifest
	BundleYAML []byte      // words and views, for people and tools
	Schema     []byte      // arguments, results, events, errors
	Code       []byte      // WASM
	Hash       crypto.Hash // SM3 of the package file
	CodeHash   crypto.Hash // SM3 of Code
}

// Open reads a package file. Only the one canonical archive of its contents is
// accepted. Errors are HC-3302, or HC-3303 where the manifest is at fault.
func Open(raw []byte) (*Package, error) {
	if len(raw) == 0 || len(raw) > MaxPackageBytes {
		return nil, refusePackage("%d bytes, must be 1 to %d", len(raw), MaxPackageBytes)
	}
	archive, err := decompress(raw)
	if err != nil {
		return nil, refusePackage("%w", err)
	}
	contents, err := unpack(archive)
	if err != nil {
		return nil, refusePackage("%w", err)
	}
	if again, err := pack(contents); err != nil || !bytes.Equal(again, archive) {
		return nil, refusePackage("archive is not in canonical form; build it with huchain contract build")
	}
	m, err := DecodeManifest(contents[0])
	if err != nil {
		return nil, err
	}
	return &Package{
		Manifest: m, BundleYAML: contents[1], Schema: contents[2], Code: contents[3],
		Hash: crypto.Sum(raw), CodeHash: crypto.Sum(contents[3]),
	}, nil
}

// Pack makes a package file of its parts. Equal parts give equal bytes with one
// version of the compression library; the hash of the archive within never changes.
func Pack(m *Manifest, bundleYAML, schema, code []byte) ([]byte, error) {
	manifest, err := m.Encode()
	if err != nil {
		return nil, err
	}
	archive, err := pack([len(packageFiles)][]byte{manifest, bundleYAML, schema, code})
	if err != nil {
		return nil, refusePackage("%w", err)
	}
	if len(archive) > MaxUnpackedBytes {
		return nil, refusePackage("unpacks to %d bytes, at most %d", len(archive), MaxUnpackedBytes)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		return nil, fmt.Errorf("compress package: %w", err)
	}
	defer enc.Close() //nolint:errcheck // EncodeAll leaves nothing open
	return enc.EncodeAll(archive, nil), nil
}

func decompress(raw []byte) ([]byte, error) {
	dec, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderMaxWindow(MaxUnpackedBytes), zstd.WithDecoderMaxMemory(2*MaxUnpackedBytes))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	defer dec.Close()
	out, err := io.ReadAll(io.LimitReader(dec, MaxUnpackedBytes+1))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if len(out) > MaxUnpackedBytes {
		return nil, fmt.Errorf("unpacks to more than %d bytes", MaxUnpackedBytes)
	}
	return out, nil
}

func unpack(archive []byte) (out [len(packageFiles)][]byte, err error) {
	r := tar.NewReader(bytes.NewReader(archive))
	for i, name := range packageFiles {
		h, err := r.Next()
		if err != nil {
			return out, fmt.Errorf("archive: %s: %w", name, err)
		}
		if h.Name != name || h.Size < 0 || h.Size > int64(len(archive)) {
			return out, fmt.Errorf("archive holds %.40q where %s belongs", h.Name, name)
		}
		if out[i], err = io.ReadAll(r); err != nil {
			return out, fmt.Errorf("archive: %s: %w", name, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		return out, fmt.Errorf("archive holds more than %d files", len(packageFiles))
	}
	return out, nil
}

func pack(contents [len(packageFiles)][]byte) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, name := range packageFiles {
		h := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(contents[i])),
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := w.WriteHeader(&h); err != nil {
			return nil, fmt.Errorf("archive %s: %w", name, err)
		}
		if _, err := w.Write(contents[i]); err != nil {
			return nil, fmt.Errorf("archive %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return b.Bytes(), nil
}

func refusePackage(format string, args ...any) error {
	return types.Errorf(types.CodePackageInvalid, format, args...)
}
