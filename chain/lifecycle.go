package chain

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/huchain/huchain/contracts/bundle"
	"github.com/huchain/huchain/crypto"
	"github.com/huchain/huchain/types"
	"github.com/huchain/huchain/vm/host"
)

// The native contract contracts: the life of installed contracts. A package is announced
// (begin), uploaded in parts, staged (assembled, checked and announced, so that nodes compile it outside
// block execution), then created or made an upgrade. Who may do so is the chain
// parameter Lifecycle.
var contractsMethods = map[string]nativeMethod{
	"begin":     {writes: true, allow: allowLifecycle, run: (*callScope).beginUpload},
	"abort":     {writes: true, allow: allowLifecycle, run: (*callScope).abortUpload},
	"configure": {writes: true, allow: allowLifecycle, run: (*callScope).configureContract},
	"upload":    {writes: true, allow: allowLifecycle, run: (*callScope).uploadPart},
	"stage":     {writes: true, allow: allowLifecycle, run: (*callScope).stagePackage},
	"create":    {writes: true, allow: allowLifecycle, run: (*callScope).createContract},
	"upgrade":   {writes: true, allow: allowLifecycle, run: (*callScope).upgradeContract},
	"freeze":    {writes: true, allow: allowLifecycle, run: func(s *callScope, a []byte) (any, error) { return s.setContractStatus(a, StatusFrozen) }},
	"unfreeze":  {writes: true, allow: allowLifecycle, run: func(s *callScope, a []byte) (any, error) { return s.setContractStatus(a, StatusActive) }},
	"revoke":    {writes: true, allow: allowLifecycle, run: func(s *callScope, a []byte) (any, error) { return s.setContractStatus(a, StatusRevoked) }},
	"get":       {run: (*callScope).getContract},
	"list":      {run: (*callScope).listContracts},
}

// PackagePurpose is the purpose tag in front of what the publisher of a package signs:
// the tag followed by the package's hash.
const PackagePurpose = "huchain/package/1"

// PackageSignBytes is what a publisher signs.
func PackageSignBytes(pkg crypto.Hash) []byte { return append([]byte(PackagePurpose), pkg[:]...) }

// Gas of native work on a package, per byte of code.
const (
	checkGas = 50 // assembling and admission check
	openGas  = 10 // unpacking
)

// Staged is the row staged/<package>: a package ready to be installed.
type Staged struct {
	Name      string         `json:"name"`
	Version   string         `json:"version"`
	Code      crypto.Hash    `json:"code"`
	Bytes     int            `json:"bytes"`
	Publisher types.MemberID `json:"publisher"`
	Signature []byte         `json:"signature"`
	Height    uint64         `json:"height"`
	TimeMs    int64          `json:"timeMs"`              // block time of staging
	Installed bool           `json:"installed,omitempty"` // a contract has, or had, it as a version
}

func stagedKey(pkg crypto.Hash) []byte { return []byte("staged/" + pkg.String()) }

// Staged looks a staged package up, and reports whether this node has compiled its code.
func (c *Chain) Staged(st State, pkg crypto.Hash) (row *Staged, ready bool, err error) {
	row = &Staged{}
	found, err := getJSON(st, NSContracts, stagedKey(pkg), row)
	if err != nil || !found {
		return nil, false, err
	}
	params, _, err := c.Params(st)
	return row, err == nil && c.vm.Loaded(row.Code, &params.Gas), err
}

type stageArgs struct {
	Package   crypto.Hash    `json:"package"`
	Publisher types.MemberID `json:"publisher"` // whose signature it is; the sender if empty
	Signature []byte         `json:"signature"` // base64, over PackageSignBytes
}

// stagePackage assembles the sender's uploaded parts, checks hash, signature, form and
// code, and announces the package so that every node compiles it in the background.
func (s *callScope) stagePackage(args []byte) (any, error) {
	var in stageArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	publisher, err := s.checkPublisher(&in)
	if err != nil {
		return nil, err
	}
	if err := s.sweepStaged(); err != nil {
		return nil, err
	}
	raw, err := s.takeUpload(in.Package)
	if err != nil {
		return nil, err
	}
	p, err := bundle.Open(raw)
	if err != nil {
		return nil, err
	}
	if err := s.charge(checkGas * uint64(len(p.Code))); err != nil {
		return nil, err
	}
	if err := s.c.vm.Check(p.Code, p.Manifest.Grants(), &s.block.params.Gas); err != nil {
		return nil, err
	}
	row := Staged{Name: p.Manifest.Name, Version: p.Manifest.Version, Code: p.CodeHash, Bytes: len(raw), Publisher: publisher,
		Signature: in.Signature, Height: s.block.height, TimeMs: s.block.timeMs()}
	storePackage(s.o, in.Package, raw, s.txIndex)
	if err := putJSON(s.o, NSContracts, stagedKey(in.Package), &row, s.txIndex); err != nil {
		return nil, err
	}
	*s.staged = append(*s.staged, in.Package)
	event := map[string]any{"package": in.Package, "name": row.Name, "version": row.Version, "code": row.Code}
	return &row, s.emit(NSContracts, "staged", event)
}

// checkPublisher verifies the package signature under the key of an active member.
func (s *callScope) checkPublisher(in *stageArgs) (types.MemberID, error) {
	id := in.Publisher
	if id == "" {
		id = s.caller().Member
	}
	a, found, err := s.c.MemberAddress(s.o, id)
	if err != nil {
		return "", err
	}
	var m *Member
	if found {
		if m, found, err = s.c.Member(s.o, a); err != nil {
			return "", err
		}
	}
	if !found {
		return "", types.Errorf(types.CodeNotFound, "publisher %s is no member", id)
	}
	if err := s.c.checkActive(s.o, m, s.block.time()); err != nil {
		return "", err
	}
	if !m.Key.Verify(PackageSignBytes(in.Package), in.Signature) {
		return "", types.Errorf(types.CodePackageInvalid, "the package is not signed by %s", id)
	}
	return id, nil
}

type installArgs struct {
	Package crypto.Hash     `json:"package"`
	Params  json.RawMessage `json:"params,omitempty"` // instead of the bundle's own
}

// openStaged returns a staged package and its row.
func (s *callScope) openStaged(args []byte) (*installArgs, *Staged, *bundle.Package, error) {
	var in installArgs
	if err := decodeArgs(args, &in); err != nil {
		return nil, nil, nil, err
	}
	var row Staged
	found, err := getJSON(s.o, NSContracts, stagedKey(in.Package), &row)
	if err != nil {
		return nil, nil, nil, err
	}
	if !found {
		return nil, nil, nil, types.Errorf(types.CodeNotFound, "package %s is not staged", in.Package)
	}
	p, err := s.c.loadPackage(s.o, in.Package, row.Bytes)
	if err == nil {
		err = s.charge(openGas * uint64(len(p.Code)))
	}
	if err == nil {
		err = s.compile(p)
	}
	return &in, &row, p, err
}

// compile makes sure that a package's code can be called before it becomes active. The
// nodes have compiled it since it was staged; one that has not does so now. What only
// compiling finds wrong with a module is refused here, on every node alike.
func (s *callScope) compile(p *bundle.Package) error {
	if s.c.vm.Loaded(p.CodeHash, &s.block.params.Gas) {
		return nil
	}
	_, err := s.c.vm.Load(s.ctx, p.Code, &s.block.params.Gas)
	if err != nil && types.CodeOf(err) != types.CodeModuleRefused {
		return s.fail(err)
	}
	return err
}

func (s *callScope) createContract(args []byte) (any, error) {
	in, row, p, err := s.openStaged(args)
	if err != nil {
		return nil, err
	}
	if _, found, err := s.c.Contract(s.o, row.Name); err != nil {
		return nil, err
	} else if found || isNative(row.Name) {
		return nil, types.Errorf(types.CodeAlreadyExists, "contract %s: use upgrade", row.Name)
	}
	if err := s.checkUses(p, row.Name); err != nil {
		return nil, err
	}
	if err := s.judgeDeploy(row, p, false); err != nil {
		return nil, err
	}
	params := p.Manifest.Params
	if len(in.Params) > 0 {
		params = in.Params
	}
	rec := newRecord(p, params, row.Bytes, row.version(in.Package, s.block.height))
	if err := s.saveInstalled(rec, in.Package, row); err != nil {
		return nil, err
	}
	if p.Manifest.Init {
		if err := s.runEntry(rec, bundle.InitMethod, params, host.KindInit); err != nil {
			return nil, err
		}
	}
	return rec, s.emit(NSContracts, "created", lifecycleEvent(rec, s.caller().Member, ""))
}

func (s *callScope) upgradeContract(args []byte) (any, error) {
	in, row, p, err := s.openStaged(args)
	if err != nil {
		return nil, err
	}
	old, found, err := s.c.Contract(s.o, row.Name)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, types.Errorf(types.CodeUnknownContract, "contract %s: use create", row.Name)
	}
	if old.Status == StatusRevoked {
		return nil, types.Errorf(types.CodeContractFrozen, "contract %s is revoked for good", row.Name)
	}
	from := old.Current().Version
	if bundle.CompareVersions(row.Version, from) <= 0 {
		return nil, types.Errorf(types.CodePackageInvalid, "version %s does not follow %s", row.Version, from)
	}
	if err := s.checkUses(p, row.Name); err != nil {
		return nil, err
	}
	if major(row.Version) != major(from) {
		if err := s.refuseInUse(row.Name); err != nil {
			return nil, err
		}
	}
	if err := s.judgeDeploy(row, p, true); err != nil {
		return nil, err
	}
	params := old.Params
	if len(in.Params) > 0 {
		params = in.Params
	}
	rec := newRecord(p, params, row.Bytes, row.version(in.Package, s.block.height))
	rec.Status = old.Status
	rec.Versions = append(slices.Clone(old.Versions), rec.Versions...)
	rec.keepRules(old)
	if err := s.saveInstalled(rec, in.Package, row); err != nil {
		return nil, err
	}
	if p.Manifest.Migrate {
		arg, err := json.Marshal(map[string]string{"from": from})
		if err != nil {
			return nil, types.Errorf(types.CodeInternal, "encode migrate argument: %w", err)
		}
		if err := s.runEntry(rec, bundle.MigrateMethod, arg, host.KindMigrate); err != nil {
			return nil, err
		}
	}
	return rec, s.emit(NSContracts, "upgraded", lifecycleEvent(rec, s.caller().Member, from))
}

func (r *Staged) version(pkg crypto.Hash, height uint64) Version {
	return Version{Version: r.Version, Package: pkg, Code: r.Code, Publisher: r.Publisher, Signature: r.Signature, Height: height}
}

func lifecycleEvent(r *ContractRecord, by types.MemberID, from string) map[string]any {
	v := r.Current()
	return map[string]any{"name": r.Name, "version": v.Version, "from": from, "code": v.Code, "by": by}
}

// saveInstalled stores a record whose active version is a staged package, which from
// then on stays.
func (s *callScope) saveInstalled(r *ContractRecord, pkg crypto.Hash, row *Staged) error {
	if !row.Installed {
		row.Installed = true
		if err := putJSON(s.o, NSContracts, stagedKey(pkg), row, s.txIndex); err != nil {
			return err
		}
	}
	return s.saveRecord(r)
}

func (s *callScope) saveRecord(r *ContractRecord) error {
	return putJSON(s.o, NSContracts, recordKey(r.Name), r, s.txIndex)
}

// runEntry calls init or migrate with the gas that is left of the transaction.
func (s *callScope) runEntry(rec *ContractRecord, entry string, args []byte, kind host.Kind) error {
	_, used, err := s.enter(rec, entry, args, s.gasLeft, kind)
	s.gasUsed += used
	s.gasLeft -= min(used, s.gasLeft)
	return err
}

// checkUses demands that every contract the package calls is installed in the right
// major version and does not lead back to it.
func (s *callScope) checkUses(p *bundle.Package, name string) error {
	pending := slices.Clone(p.Manifest.Uses)
	seen := map[string]bool{}
	for ; len(pending) > 0; pending = pending[1:] {
		use, major, _ := strings.Cut(pending[0], "@")
		if use == name {
			return types.Errorf(types.CodePackageInvalid, "%s would come to use itself", name)
		}
		if seen[pending[0]] {
			continue
		}
		seen[pending[0]] = true
		rec, found, err := s.c.Contract(s.o, use)
		if err != nil {
			return err
		}
		if !found || !strings.HasPrefix(rec.Current().Version, major+".") {
			return types.Errorf(types.CodePackageInvalid, "%s uses %s, which is not installed", name, pending[0])
		}
		pending = append(pending, rec.Uses...)
	}
	return nil
}

// setContractStatus freezes, unfreezes or revokes a contract. Revocation is final; the
// contract's state stays readable with proofs.
func (s *callScope) setContractStatus(args []byte, to Status) (any, error) {
	var in struct {
		Name   string `json:"name"`
		Reason string `json:"reason,omitempty"`
	}
	if err := decodeArgs(args, &in); err != nil {
		return nil, err
	}
	old, err := s.changeable(in.Name)
	if err == nil && to == StatusRevoked {
		err = s.refuseInUse(in.Name)
	}
	if err != nil {
		return nil, err
	}
	rec := *old
	rec.Status = to
	if err := s.saveRecord(&rec); err != nil {
		return nil, err
	}
	event := map[string]any{"name": rec.Name, "status": to, "by": s.caller().Member, "reason": in.Reason}
	return &rec, s.emit(NSContracts, "statusChanged", event)
}
