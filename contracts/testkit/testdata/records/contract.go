// Package main uses every part of package record, for its tests.
package main

import (
	"github.com/huchain/huchain/contracts/sdk/go/contract"
	"github.com/huchain/huchain/contracts/sdk/go/record"
	"github.com/huchain/huchain/contracts/sdk/go/state"
)

// File is a case file.
type File struct {
	ID     string       `json:"file"`
	Number uint32       `json:"number"`
	Title  string       `json:"title"`
	Org    contract.Org `json:"org"`
	Tags   []string     `json:"tags,omitempty"`
	Meta   record.Meta  `json:"meta"`
}

// Note is private to its owner and readers.
type Note struct {
	ID   string      `json:"note"`
	Text string      `json:"text"`
	Meta record.Meta `json:"meta"`
}

var approval = record.NewWorkflow("approval", "draft submitted approved rejected",
	record.NewMove("edit", "draft rejected", "", "self"),
	record.NewMove("submit", "draft rejected", "submitted", "self"),
	record.NewMove("approve", "submitted", "approved", "ANY role:admin org:court"),
	record.NewMove("reject", "submitted", "rejected", "ANY role:admin"),
	record.NewMove("note", "approved", "", "public"),
	record.NewMove("delete", "draft approved", "", "self"),
)

// Storage.
var (
	files         = record.New("file", func(f *File) string { return f.ID }, record.Flow(approval))
	filesByOrg    = record.NewIndex(files, "fileByOrg", func(f *File) contract.Org { return f.Org })
	filesByNumber = record.NewUnique(files, "fileByNumber", func(f *File) uint32 { return f.Number })
	filesByTag    = record.NewMultiIndex(files, "fileByTag", func(f *File) []string { return f.Tags })
	filesByState  = record.NewIndex(files, "fileByState", func(f *File) state.Pair[string, contract.Time] {
		return state.Pair[string, contract.Time]{A: f.Meta.State, B: f.Meta.Created}
	})
	notes = record.New("note", func(n *Note) string { return n.ID }, record.Private())
)

// FileArgs are the content of a file; Version, if set, is the one it was read at.
type FileArgs struct {
	ID      string       `json:"file"`
	Number  uint32       `json:"number"`
	Title   string       `json:"title"`
	Org     contract.Org `json:"org"`
	Tags    []string     `json:"tags,omitempty"`
	Version uint32       `json:"version,omitempty"`
}

// MoveArgs name a move.
type MoveArgs struct {
	ID    string `json:"file"`
	Move  string `json:"move"`
	Title string `json:"title,omitempty"`
}

// IDArgs name a file.
type IDArgs struct {
	ID string `json:"file"`
}

// TransferArgs name the next owner.
type TransferArgs struct {
	ID string       `json:"file"`
	To record.Party `json:"to"`
}

// GrantArgs are a grant.
type GrantArgs struct {
	ID    string       `json:"file"`
	Grant record.Grant `json:"grant"`
}

// PageArgs ask for a page.
type PageArgs struct {
	ID    string `json:"file,omitempty"`
	From  string `json:"from,omitempty"`
	To    string `json:"to,omitempty"`
	After string `json:"after,omitempty"`
	Limit uint32 `json:"limit,omitempty"`
}

// VersionArgs name a version.
type VersionArgs struct {
	ID      string `json:"file"`
	Version uint32 `json:"version"`
}

// Names is a list of names.
type Names struct {
	Names []string `json:"names"`
}

// NoteArgs are a note.
type NoteArgs struct {
	ID    string       `json:"note"`
	Text  string       `json:"text,omitempty"`
	Grant record.Grant `json:"grant,omitempty"`
}

var (
	filed = contract.NewEvent[File]("filed")
	paged = contract.NewEvent[Page]("paged")
)

var errEmpty = contract.NewError("empty")

var _ = contract.Methods(
	contract.Call("create", create),
	contract.Call("put", put),
	contract.Call("update", update),
	contract.Call("move", move),
	contract.Call("remove", remove),
	contract.Call("transfer", transfer),
	contract.Call("grant", grant),
	contract.Call("revoke", revoke),
	contract.Call("survive", survive),
	contract.Query("get", get),
	contract.Query("list", list),
	contract.Query("history", history),
	contract.Query("version", version),
	contract.Query("moves", moves),
	contract.Query("byOrg", byOrg),
	contract.Query("byNumber", byNumber),
	contract.Query("numbers", numbers),
	contract.Query("byTag", byTag),
	contract.Query("byState", byState),
	contract.Call("writeNote", writeNote),
	contract.Call("grantNote", grantNote),
	contract.Query("getNote", getNote),
	contract.Query("listNotes", listNotes),
	contract.Call("putPage", putPage),
	contract.Call("createPages", createPages),
	contract.Call("nested", nested),
	contract.Call("removePage", removePage),
	contract.Query("pagesOf", pagesOf),
	contract.Query("byFee", byFee),
	contract.Query("listFees", listFees),
	contract.Query("countPages", countPages),
	contract.Call("visit", visit),
	contract.Query("countVisits", countVisits),
	contract.Call("putSecret", putSecret),
	contract.Call("shareSecret", shareSecret),
	contract.Call("unshareSecret", unshareSecret),
	contract.Call("giveSecret", giveSecret),
	contract.Query("getSecret", getSecret),
)

func content(in FileArgs) File {
	return File{ID: in.ID, Number: in.Number, Title: in.Title, Org: in.Org, Tags: in.Tags}
}

func create(ctx *contract.Ctx, in FileArgs) (File, error) {
	f, err := files.Create(ctx, content(in))
	if err == nil {
		filed.Emit(ctx, f)
	}
	return f, err
}

func put(ctx *contract.Ctx, in FileArgs) (File, error) { return files.Put(ctx, content(in)) }

func update(ctx *contract.Ctx, in FileArgs) (File, error) {
	return files.Update(ctx, in.ID, func(f *File) error {
		if in.Title == "" {
			return errEmpty
		}
		f.Number, f.Title, f.Org, f.Tags = in.Number, in.Title, in.Org, in.Tags
		return f.Meta.Expect(in.Version)
	})
}

func move(ctx *contract.Ctx, in MoveArgs) (File, error) {
	if in.Title == "" {
		return files.Move(ctx, in.ID, in.Move, nil)
	}
	return files.Move(ctx, in.ID, in.Move, func(f *File) error {
		f.Title = in.Title
		return nil
	})
}

func remove(ctx *contract.Ctx, in IDArgs) (File, error) { return files.Delete(ctx, in.ID) }

func transfer(ctx *contract.Ctx, in TransferArgs) (File, error) {
	return files.Transfer(ctx, in.ID, in.To)
}

func grant(ctx *contract.Ctx, in GrantArgs) (File, error) { return files.Grant(ctx, in.ID, in.Grant) }

func revoke(ctx *contract.Ctx, in TransferArgs) (File, error) {
	return files.Revoke(ctx, in.ID, in.To)
}

// survive ignores the refusal of a put: nothing of it may stay.
func survive(ctx *contract.Ctx, in FileArgs) (contract.None, error) {
	_, err := files.Put(ctx, content(in))
	if err == nil {
		return contract.None{}, errEmpty
	}
	return contract.None{}, nil
}

func get(v *contract.View, in IDArgs) (File, error) { return files.Get(v, in.ID) }

func page(in PageArgs) contract.Paging { return contract.Paging{After: in.After, Limit: in.Limit} }

func list(v *contract.View, in PageArgs) (contract.Page[File], error) {
	return files.List(v, page(in)), nil
}

func history(v *contract.View, in PageArgs) (contract.Page[File], error) {
	return files.History(v, in.ID, page(in))
}

func version(v *contract.View, in VersionArgs) (File, error) {
	return files.Version(v, in.ID, in.Version)
}

func moves(v *contract.View, in IDArgs) (Names, error) {
	f, err := files.Get(v, in.ID)
	return Names{files.Moves(v, f)}, err
}

func byOrg(v *contract.View, in PageArgs) (contract.Page[File], error) {
	return filesByOrg.List(v, contract.Org(in.From), page(in)), nil
}

func byNumber(v *contract.View, in VersionArgs) (File, error) {
	return filesByNumber.Get(v, in.Version)
}

func numbers(v *contract.View, in PageArgs) (contract.Page[File], error) {
	from, to := uint32(len(in.From)), uint32(len(in.To))
	return filesByNumber.Range(v, from, to, page(in)), nil
}

func byTag(v *contract.View, in PageArgs) (contract.Page[File], error) {
	return filesByTag.Prefix(v, in.From, page(in)), nil
}

func byState(v *contract.View, in PageArgs) (contract.Page[File], error) {
	from, ok := contract.ParseTime(in.To)
	if !ok {
		from = contract.MinTime
	}
	return filesByState.Range(v, state.Pair[string, contract.Time]{A: in.From, B: from},
		state.Pair[string, contract.Time]{A: in.From, B: contract.MaxTime}, page(in)), nil
}

func writeNote(ctx *contract.Ctx, in NoteArgs) (Note, error) {
	return notes.Put(ctx, Note{ID: in.ID, Text: in.Text})
}

func grantNote(ctx *contract.Ctx, in NoteArgs) (Note, error) {
	return notes.Grant(ctx, in.ID, in.Grant)
}

func getNote(v *contract.View, in NoteArgs) (Note, error) { return notes.Get(v, in.ID) }

func listNotes(v *contract.View, in PageArgs) (contract.Page[Note], error) {
	return notes.List(v, page(in)), nil
}

func main() { contract.Main() }
