package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/record"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// Page is a page of a file.
type Page struct {
	ID     string           `json:"page"`
	File   string           `json:"file"`
	Source string           `json:"source,omitempty"`
	Fee    contract.Decimal `json:"fee"`
	Filed  contract.Date    `json:"filed"`
	Scan   *contract.File   `json:"scan,omitempty"`
	Meta   record.Meta      `json:"meta"`
}

// Secret has sealed fields.
type Secret struct {
	ID     string                             `json:"secret"`
	Title  string                             `json:"title"`
	Name   record.Encrypted[string]           `json:"name,omitempty"`
	Amount record.Encrypted[contract.Decimal] `json:"amount,omitempty"`
	Keys   record.Keys                        `json:"keys"`
	Meta   record.Meta                        `json:"meta"`
}

// Storage.
var (
	pages       = record.New("page", func(p *Page) string { return p.ID }, record.Open())
	pagesByFile = record.NewBackIndex(pages, "pageByFile", files, func(p *Page) string { return p.File })
	_           = record.NewReference(pages, "pageSource", pages, func(p *Page) string { return p.Source })
	pagesByFee  = record.NewIndex(pages, "pageByFee", func(p *Page) contract.Decimal { return p.Fee })
	fees        = record.NewTally(pages, "feeByFile", func(p *Page) string { return p.File }, func(p *Page) int64 { return p.Fee.Unscaled() })
	pageCount   = record.NewTally(pages, "pageCount", func(p *Page) contract.Date { return p.Filed }, record.One)
	visits      = record.NewCounter[state.Pair[string, contract.Date]]("visit")
	requests    = record.NewOnce[Page]("request")
	secrets     = record.New("secret", func(s *Secret) string { return s.ID }, record.Private())
)

// PageContent is what a page holds; Request, if set, makes it happen once.
type PageContent struct {
	ID      string           `json:"page"`
	File    string           `json:"file"`
	Source  string           `json:"source,omitempty"`
	Fee     contract.Decimal `json:"fee"`
	Filed   contract.Date    `json:"filed"`
	Scan    *contract.File   `json:"scan,omitempty"`
	Request string           `json:"request,omitempty"`
}

// Pages is a batch.
type Pages struct {
	Pages []PageContent `json:"pages"`
}

// PageID names a page.
type PageID struct {
	ID string `json:"page"`
}

// Visit adds to a counter.
type Visit struct {
	ID string        `json:"page"`
	On contract.Date `json:"on"`
	N  int64         `json:"n"`
}

// Number is a counter's value.
type Number struct {
	N int64 `json:"n"`
}

// FeeArgs ask for pages by fee.
type FeeArgs struct {
	From contract.Decimal `json:"from"`
	To   contract.Decimal `json:"to"`
}

// SecretArgs are a sealed record.
type SecretArgs struct {
	ID     string                             `json:"secret"`
	Title  string                             `json:"title"`
	Name   record.Encrypted[string]           `json:"name,omitempty"`
	Amount record.Encrypted[contract.Decimal] `json:"amount,omitempty"`
	Keys   record.Keys                        `json:"keys"`
}

// ShareArgs change who reads a secret; Wrap is for a new reader, Name, Amount and Keys
// where one leaves.
type ShareArgs struct {
	ID     string                             `json:"secret"`
	To     record.Party                       `json:"to"`
	Until  contract.Time                      `json:"until,omitempty"`
	Wrap   *record.Wrap                       `json:"wrap,omitempty"`
	Name   record.Encrypted[string]           `json:"name,omitempty"`
	Amount record.Encrypted[contract.Decimal] `json:"amount,omitempty"`
	Keys   *record.Keys                       `json:"keys,omitempty"`
}

func (in *PageContent) page() Page {
	return Page{ID: in.ID, File: in.File, Source: in.Source, Fee: in.Fee, Filed: in.Filed, Scan: in.Scan}
}

func putPage(ctx *contract.Ctx, in PageContent) (Page, error) {
	return requests.Do(ctx, in.Request, func() (Page, error) { return pages.Put(ctx, in.page()) })
}

func createPages(ctx *contract.Ctx, in Pages) (record.Results[Page], error) {
	return record.Batch(ctx, in.Pages, func(c *PageContent) (Page, error) {
		p, err := pages.Create(ctx, c.page())
		if err != nil {
			return p, err
		}
		paged.Emit(ctx, p)
		if c.Request == "refuse" {
			return p, errEmpty // after the page was written
		}
		if found := pagesByFile.List(ctx, c.File, contract.Paging{Limit: 100}); len(found.Items) == 0 || !pages.Has(ctx, c.ID) {
			return p, errEmpty.With("what was written is not seen")
		}
		return p, nil
	})
}

func nested(ctx *contract.Ctx, in Pages) (record.Results[Page], error) {
	return record.Batch(ctx, in.Pages, func(*PageContent) (Page, error) {
		_, err := createPages(ctx, in)
		return Page{}, err
	})
}

func removePage(ctx *contract.Ctx, in PageID) (Page, error) { return pages.Delete(ctx, in.ID) }

func pagesOf(v *contract.View, in PageArgs) (contract.Page[Page], error) {
	return pagesByFile.List(v, in.ID, page(in)), nil
}

func byFee(v *contract.View, in FeeArgs) (contract.Page[Page], error) {
	return pagesByFee.Range(v, in.From, in.To, contract.Paging{}), nil
}

func listFees(v *contract.View, in PageArgs) (contract.Page[record.Sum], error) {
	return fees.List(v, page(in)), nil
}

func countPages(v *contract.View, in Visit) (Number, error) {
	return Number{pageCount.Get(v, in.On)}, nil
}

func visit(ctx *contract.Ctx, in Visit) (contract.None, error) {
	return contract.None{}, visits.Add(ctx, state.Pair[string, contract.Date]{A: in.ID, B: in.On}, in.N)
}

func countVisits(v *contract.View, in Visit) (Number, error) {
	return Number{visits.Get(v, state.Pair[string, contract.Date]{A: in.ID, B: in.On})}, nil
}

func putSecret(ctx *contract.Ctx, in SecretArgs) (Secret, error) {
	return secrets.Put(ctx, Secret{ID: in.ID, Title: in.Title, Name: in.Name, Amount: in.Amount, Keys: in.Keys})
}

func shareSecret(ctx *contract.Ctx, in ShareArgs) (Secret, error) {
	g := record.Grant{To: in.To, Rights: record.Read, Until: in.Until}
	return secrets.Grant(ctx, in.ID, g, func(s *Secret) error {
		if in.Wrap != nil {
			s.Keys.Wraps = append(s.Keys.Wraps, *in.Wrap)
		}
		return nil
	})
}

func unshareSecret(ctx *contract.Ctx, in ShareArgs) (Secret, error) {
	return secrets.Revoke(ctx, in.ID, in.To, in.reseal)
}

func giveSecret(ctx *contract.Ctx, in ShareArgs) (Secret, error) {
	return secrets.Transfer(ctx, in.ID, in.To, in.reseal)
}

func (in *ShareArgs) reseal(s *Secret) error {
	if in.Keys != nil {
		s.Name, s.Amount, s.Keys = in.Name, in.Amount, *in.Keys
	}
	return nil
}

func getSecret(v *contract.View, in SecretID) (Secret, error) { return secrets.Get(v, in.ID) }

// SecretID names a secret.
type SecretID struct {
	ID string `json:"secret"`
}
