package types_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/huchain/huchain/types"
)

// schema compiles huchain.proto with a compiler that shares no code with this package.
var schema = sync.OnceValues(func() (protoreflect.FileDescriptor, error) {
	c := protocompile.Compiler{Resolver: &protocompile.SourceResolver{}}
	files, err := c.Compile(context.Background(), "huchain.proto")
	if err != nil {
		return nil, err
	}
	return files[0], nil
})

// oracle reads raw as message name with the standard implementation and writes it again.
// It fails where the standard implementation refuses raw, finds a field that the schema
// lacks, or writes other bytes than ours.
func oracle(name protoreflect.Name, raw []byte) (*dynamicpb.Message, error) {
	file, err := schema()
	if err != nil {
		return nil, err
	}
	msg := dynamicpb.NewMessage(file.Messages().ByName(name))
	if err := proto.Unmarshal(raw, msg); err != nil {
		return nil, fmt.Errorf("%s: standard decoder refuses what ours accepts: %w", name, err)
	}
	if len(msg.GetUnknown()) > 0 {
		return nil, fmt.Errorf("%s: field that huchain.proto lacks", name)
	}
	again, err := proto.MarshalOptions{Deterministic: true}.Marshal(msg)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, raw) {
		return nil, fmt.Errorf("%s: standard encoder writes\n%x\nours\n%x", name, again, raw)
	}
	return msg, nil
}

// field reads a field of an oracle message by name.
func field(t *testing.T, m protoreflect.Message, name protoreflect.Name) protoreflect.Value {
	t.Helper()
	fd := m.Descriptor().Fields().ByName(name)
	require.NotNil(t, fd, "%s has no field %s", m.Descriptor().Name(), name)
	return m.Get(fd)
}

func mustOracle(t *testing.T, name protoreflect.Name, raw []byte) *dynamicpb.Message {
	t.Helper()
	m, err := oracle(name, raw)
	require.NoError(t, err)
	return m
}

func TestStandardDecoderReadsTx(t *testing.T) {
	tx := sampleTx(t)
	m := mustOracle(t, "Tx", tx.Bytes())
	require.Equal(t, tx.BodyBytes, field(t, m, "body").Bytes())
	require.Equal(t, tx.Certificate, field(t, m, "certificate").Bytes())
	sigs := field(t, m, "signatures").List()
	require.Equal(t, 3, sigs.Len())
	for i := range sigs.Len() {
		require.Equal(t, tx.Signatures[i], sigs.Get(i).Bytes())
	}

	b := mustOracle(t, "Body", tx.BodyBytes)
	require.Equal(t, types.TxPurpose, field(t, b, "purpose").String())
	require.Equal(t, tx.Body.Genesis[:], field(t, b, "genesis").Bytes())
	require.Equal(t, tx.Body.Sender[:], field(t, b, "sender").Bytes())
	require.Equal(t, 2, field(t, b, "cosigners").List().Len())
	require.Equal(t, tx.Body.Cosigners[1][:], field(t, b, "cosigners").List().Get(1).Bytes())
	require.Equal(t, tx.Body.Contract, field(t, b, "contract").String())
	require.Equal(t, tx.Body.Method, field(t, b, "method").String())
	require.Equal(t, tx.Body.Args, field(t, b, "args").Bytes())
	require.Equal(t, tx.Body.GasLimit, field(t, b, "gas_limit").Uint())
	require.Equal(t, tx.Body.Salt[:], field(t, b, "salt").Bytes())
	require.Equal(t, tx.Body.ValidUntil, field(t, b, "valid_until").Int())
}

func TestStandardDecoderReadsResults(t *testing.T) {
	r := sampleReceipt()
	m := mustOracle(t, "Receipt", r.Encode())
	require.Equal(t, r.TxID[:], field(t, m, "tx_id").Bytes())
	require.EqualValues(t, r.Code, field(t, m, "code").Uint())
	require.Equal(t, r.Error, field(t, m, "error").String())
	require.Equal(t, r.Result, field(t, m, "result").Bytes())
	require.Equal(t, r.GasUsed, field(t, m, "gas_used").Uint())
	require.EqualValues(t, r.Events, field(t, m, "events").Uint())

	e := sampleEvent()
	m = mustOracle(t, "Event", e.Encode())
	require.EqualValues(t, e.TxIndex, field(t, m, "tx_index").Uint())
	require.Equal(t, e.Contract, field(t, m, "contract").String())
	require.Equal(t, e.Name, field(t, m, "name").String())
	require.Equal(t, e.Data, field(t, m, "data").Bytes())
}

func TestStandardDecoderReadsHeader(t *testing.T) {
	h := sampleHeader()
	m := mustOracle(t, "Header", h.Encode())
	require.Equal(t, types.HeaderPurpose, field(t, m, "purpose").String())
	for name, want := range map[protoreflect.Name][32]byte{
		"genesis": h.Genesis, "comet_hash": h.CometHash, "previous": h.Previous, "content": h.Content,
		"archive": h.Archive, "signers": h.Signers, "next_signers": h.NextSigners,
	} {
		require.Equal(t, want[:], field(t, m, name).Bytes(), name)
	}
	require.Equal(t, h.Height, field(t, m, "height").Uint())
	require.Equal(t, h.Time, field(t, m, "time").Int())
	require.EqualValues(t, h.Protocol, field(t, m, "protocol").Uint())
}

func TestStandardDecoderReadsValidatorsAndCertificates(t *testing.T) {
	set := sampleSet(t, 4)
	list := field(t, mustOracle(t, "ValidatorSet", set.Encode()), "validators").List()
	require.Equal(t, len(set), list.Len())
	for i, v := range set {
		m := list.Get(i).Message()
		require.Equal(t, v.Key[:], field(t, m, "key").Bytes())
		require.Equal(t, v.Ed25519[:], field(t, m, "ed25519").Bytes())
		require.Equal(t, v.Power, field(t, m, "power").Int())
	}

	c := sampleCertificate(t, 4)
	m := mustOracle(t, "FinalityCertificate", c.Encode())
	require.Equal(t, c.Height, field(t, m, "height").Uint())
	list = field(t, m, "signatures").List()
	require.Equal(t, len(c.Signatures), list.Len())
	for i, s := range c.Signatures {
		require.EqualValues(t, s.Index, field(t, list.Get(i).Message(), "index").Uint())
		require.Equal(t, s.Signature[:], field(t, list.Get(i).Message(), "signature").Bytes())
	}
}

// TestStandardEncoderWritesWhatWeRead builds a transaction from the schema alone, as an
// SDK in another language would.
func TestStandardEncoderWritesWhatWeRead(t *testing.T) {
	file, err := schema()
	require.NoError(t, err)
	body := dynamicpb.NewMessage(file.Messages().ByName("Body"))
	set := func(m *dynamicpb.Message, name protoreflect.Name, v any) {
		m.Set(m.Descriptor().Fields().ByName(name), protoreflect.ValueOf(v))
	}
	set(body, "purpose", types.TxPurpose)
	set(body, "genesis", bytes.Repeat([]byte{7}, 32))
	set(body, "sender", make([]byte, 20))
	set(body, "contract", "evidence")
	set(body, "method", "deposit")
	set(body, "salt", make([]byte, 16))
	set(body, "valid_until", int64(1_800_000_000_000))
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(body)
	require.NoError(t, err)
	got, err := types.DecodeBody(raw)
	require.NoError(t, err)
	require.Equal(t, "deposit", got.Method)
	require.Equal(t, raw, types.EncodeBody(&got))
}
