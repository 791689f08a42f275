package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Category is what sort of person an account belongs to.
type Category string

// The categories: two of natural and four of legal persons.
const (
	citizen      Category = "citizen"
	officer      Category = "officer" // a civil servant
	agency       Category = "agency"
	unit         Category = "unit"
	enterprise   Category = "enterprise"
	organisation Category = "organisation"
)

// Person tells natural from legal persons.
type Person string

// The kinds of persons.
const (
	natural Person = "natural"
	legal   Person = "legal"
)

func (c Category) person() Person {
	if c == citizen || c == officer {
		return natural
	}
	return legal
}

// Account is the account of a person: the identity of a DID, known by the digest of
// what an authority calls it. Identity is computed off the chain with a key that
// registrars share, so that equal persons give equal digests and nobody else can guess.
type Account struct {
	DID       contract.DID    `json:"did"`
	Person    Person          `json:"person"`
	Category  Category        `json:"category"`
	State     State           `json:"state"`
	Identity  contract.Hash   `json:"identity"`
	Profile   contract.Hash   `json:"profile,omitempty"`
	Registrar contract.Member `json:"registrar"`
	Member    contract.Member `json:"member,omitempty"`
	Version   uint32          `json:"version"`
}

// OpenArgs are the arguments of openAccount.
type OpenArgs struct {
	DID      contract.DID  `json:"did"`
	Category Category      `json:"category"`
	Identity contract.Hash `json:"identity"`
}

// ChangeArgs are the arguments of changeAccount.
type ChangeArgs struct {
	DID     contract.DID  `json:"did"`
	Profile contract.Hash `json:"profile"`
	Proof   *Proof        `json:"proof,omitempty"`
}

// KeyArgs are the arguments of changeKey and recover. Signature, by the new key, says
// that its owner takes the identity: it signs
// huchain:identity:<genesis>:takeKey:<did>:<version>.
type KeyArgs struct {
	DID       contract.DID `json:"did"`
	Key       Key          `json:"key"`
	Signature Signature    `json:"signature"`
	Reason    Reason       `json:"reason"`
	Proof     *Proof       `json:"proof,omitempty"`
}

// StateArgs are the arguments of freeze, unfreeze and close.
type StateArgs struct {
	DID    contract.DID `json:"did"`
	Reason Reason       `json:"reason"`
	Proof  *Proof       `json:"proof,omitempty"`
}

// BindArgs are the arguments of bindMember and unbindMember.
type BindArgs struct {
	DID   contract.DID `json:"did"`
	Proof *Proof       `json:"proof,omitempty"`
}

// IdentityArgs name a person by its digest.
type IdentityArgs struct {
	Identity contract.Hash `json:"identity"`
}

// persons says which DID a person's open account belongs to.
var persons = state.NewMap[contract.Hash, contract.DID]("person")

// account shows an identity with an account.
func (s *Subject) account(did contract.DID) Account {
	return Account{did, s.Category.person(), s.Category, s.state(), s.Identity, s.Profile, s.Registrar, s.Member, s.Version}
}

// openAccount makes an identity the account of a person. Its registrar's organisation
// has checked who the person is; a second account of the same person is refused.
func openAccount(ctx *contract.Ctx, in OpenArgs) (Account, error) {
	id, s, err := find(ctx, in.DID)
	switch {
	case err != nil:
		return Account{}, err
	case ctx.Caller().Org != s.Registrar.Org():
		return Account{}, errNotAllowed.With("the identity's registrar opens its account")
	case s.state() != active:
		return Account{}, errNotActive.With(string(s.state()))
	case s.Category != "":
		return Account{}, errHasAccount
	case in.Identity.IsZero():
		return Account{}, errNoAccount.With("identity is empty")
	case persons.Has(ctx, in.Identity):
		return Account{}, errSecond
	}
	s.Category, s.Identity = in.Category, in.Identity
	persons.Put(ctx, in.Identity, in.DID)
	s.save(ctx, id, Change{Kind: accountOpened, About: string(in.Category), Digest: in.Identity})
	return s.account(in.DID), nil
}

// changeAccount replaces the digest of what is kept about the person off the chain.
func changeAccount(ctx *contract.Ctx, in ChangeArgs) (Account, error) {
	id, s, err := find(ctx, in.DID)
	if err != nil {
		return Account{}, err
	}
	if s.Category == "" {
		return Account{}, errNoAccount
	}
	if err := s.act(ctx, "changeAccount", id, in.Proof, in.Profile.String()); err != nil {
		return Account{}, err
	}
	s.Profile = in.Profile
	s.save(ctx, id, Change{Kind: accountChanged, Digest: in.Profile})
	return s.account(in.DID), nil
}

// getAccount returns an account by its DID.
func getAccount(v *contract.View, in DIDArgs) (Account, error) {
	_, s, err := find(v, in.DID)
	if err == nil && s.Category == "" {
		err = errNoAccount
	}
	if err != nil {
		return Account{}, err
	}
	return s.account(in.DID), nil
}

// findAccount returns the open account of a person.
func findAccount(v *contract.View, in IdentityArgs) (Account, error) {
	did, ok := persons.Get(v, in.Identity)
	if !ok {
		return Account{}, errNoAccount
	}
	return getAccount(v, DIDArgs{did})
}

// changeKey moves an active identity to a new key.
func changeKey(ctx *contract.Ctx, in KeyArgs) (Resolution, error) {
	id, s, err := find(ctx, in.DID)
	if err != nil {
		return Resolution{}, err
	}
	if err := s.act(ctx, "changeKey", id, in.Proof, addressOf(&in.Key), string(in.Reason)); err != nil {
		return Resolution{}, err
	}
	return s.moveTo(ctx, id, &in, keyChanged)
}

// recoverKey gives a frozen identity, whose holder has lost the key, a new one. Its
// registrar has made sure who asks. The member it was bound to is let go.
func recoverKey(ctx *contract.Ctx, in KeyArgs) (Resolution, error) {
	id, s, err := find(ctx, in.DID)
	switch {
	case err != nil:
		return Resolution{}, err
	case !s.byRegistrar(ctx):
		return Resolution{}, errNotAllowed.With("an administrator of the registrar's organisation recovers an identity")
	case s.state() != frozen:
		return Resolution{}, errWrongState.With("freeze it first")
	}
	if s.Member != "" {
		members.Delete(ctx, s.Member)
	}
	s.State, s.Member = "", ""
	return s.moveTo(ctx, id, &in, wasRecovered)
}

// moveTo replaces the key, if the new one's owner has signed for it.
func (s *Subject) moveTo(ctx *contract.Ctx, id string, in *KeyArgs, kind Kind) (Resolution, error) {
	address := addressOf(&in.Key)
	if !signed(ctx, &in.Key, &in.Signature, "takeKey", id, s.Version) {
		return Resolution{}, errBadProof.With("the new key has not signed for the identity")
	}
	if keyTaken(ctx, address) {
		return Resolution{}, errKeyTaken
	}
	keyOwners.Put(ctx, address, KeyOwner{id, in.Key})
	if old := addressOf(&s.Key); old == id {
		keyOwners.Put(ctx, old, KeyOwner{id, s.Key}) // its credentials are still to be verified
	}
	s.Key = in.Key
	s.save(ctx, id, Change{Kind: kind, Key: &in.Key, Reason: in.Reason})
	return resolve(&ctx.View, DIDArgs{in.DID})
}

// keyAt returns the key of an address that is or was a key of id.
func keyAt(r contract.Reader, id string, s *Subject, address string) (Key, bool) {
	if addressOf(&s.Key) == address {
		return s.Key, true
	}
	owner, ok := keyOwners.Get(r, address)
	return owner.Key, ok && owner.ID == id
}

// freeze stops an identity: its holder, or its registrar, fears for the key.
func freeze(ctx *contract.Ctx, in StateArgs) (Resolution, error) {
	return in.move(ctx, "freeze", wasFrozen, frozen)
}

// unfreeze lets an identity act again. Its registrar has made sure that the key is safe.
func unfreeze(ctx *contract.Ctx, in StateArgs) (Resolution, error) {
	return in.move(ctx, "unfreeze", wasUnfrozen, active)
}

// closeAccount ends an identity for good; the person may open another account.
func closeAccount(ctx *contract.Ctx, in StateArgs) (Resolution, error) {
	return in.move(ctx, "close", wasClosed, closed)
}

func (in *StateArgs) move(ctx *contract.Ctx, method string, kind Kind, to State) (Resolution, error) {
	id, s, err := find(ctx, in.DID)
	if err != nil {
		return Resolution{}, err
	}
	from := s.state()
	if from == closed || (from == frozen) != (to == active) && to != closed {
		return Resolution{}, errWrongState.With(string(from))
	}
	if !s.byRegistrar(ctx) {
		if to == active {
			return Resolution{}, errNotAllowed.With("an administrator of the registrar's organisation unfreezes an identity")
		}
		if err := s.act(ctx, method, id, in.Proof, string(in.Reason)); err != nil {
			return Resolution{}, err
		}
	}
	if s.State = to; to == active {
		s.State = ""
	}
	s.show(ctx, in.DID)
	if to == closed && s.Category != "" {
		persons.Delete(ctx, s.Identity)
	}
	s.save(ctx, id, Change{Kind: kind, Reason: in.Reason})
	return resolve(&ctx.View, DIDArgs{in.DID})
}

// show tells the chain which DID the identity's member acts under: none while it is
// frozen. A closed identity lets its member go.
func (s *Subject) show(ctx *contract.Ctx, did contract.DID) {
	switch {
	case s.Member == "":
	case s.state() == active:
		members.Put(ctx, s.Member, string(did))
	case s.state() == frozen:
		members.Put(ctx, s.Member, "")
	default:
		members.Delete(ctx, s.Member)
		s.Member = ""
	}
}

// bindMember lets the caller, a member of the chain, act as an identity: from then on
// contracts see its DID as the caller's, and the member's certificate logs in to its
// account. The identity's own key has signed the transaction or a proof.
func bindMember(ctx *contract.Ctx, in BindArgs) (Resolution, error) {
	id, s, err := find(ctx, in.DID)
	if err != nil {
		return Resolution{}, err
	}
	m := ctx.Caller().Member
	if members.Has(ctx, m) {
		return Resolution{}, errMemberBound.With(string(m))
	}
	if s.Member != "" {
		return Resolution{}, errMemberBound.With("the identity is bound to " + string(s.Member))
	}
	if err := s.act(ctx, "bindMember", id, in.Proof, string(m)); err != nil {
		return Resolution{}, err
	}
	if in.Proof == nil && callerID(ctx) != id || in.Proof != nil && in.Proof.By != "" {
		return Resolution{}, errNotHolder.With("the identity itself binds its member")
	}
	s.Member = m
	s.show(ctx, in.DID)
	s.save(ctx, id, Change{Kind: memberBound, About: string(m)})
	return resolve(&ctx.View, DIDArgs{in.DID})
}

// unbindMember ends what bindMember began.
func unbindMember(ctx *contract.Ctx, in BindArgs) (Resolution, error) {
	id, s, err := find(ctx, in.DID)
	if err != nil {
		return Resolution{}, err
	}
	if s.Member == "" {
		return Resolution{}, errWrongState.With("bound to no member")
	}
	if !s.byRegistrar(ctx) {
		if err := s.act(ctx, "unbindMember", id, in.Proof); err != nil {
			return Resolution{}, err
		}
	}
	m := s.Member
	members.Delete(ctx, m)
	s.Member = ""
	s.save(ctx, id, Change{Kind: memberUnbound, About: string(m)})
	return resolve(&ctx.View, DIDArgs{in.DID})
}
