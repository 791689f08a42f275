package contract

import "github.com/huchain/huchain/contracts/sdk/go/codec"

// Bounds of a page.
const (
	DefaultPage = 20
	MaxPage     = 100
)

// Paging asks for one page: at most Limit items (0: DefaultPage, above MaxPage:
// MaxPage) behind the cursor After, which is the Next of the page before.
type Paging struct {
	After string
	Limit uint32
}

// Size returns the limit within its bounds.
func (p Paging) Size() uint32 {
	if p.Limit == 0 {
		return DefaultPage
	}
	return min(p.Limit, MaxPage)
}

// Page is a list as all methods return it: {"items":[…],"next":"…"}, where an empty
// next says that the list ends here.
type Page[T any] struct {
	Items []T
	Next  string
}

// AppendJSON appends the page.
func (p *Page[T]) AppendJSON(b []byte) []byte {
	b = codec.AppendRaw(b, `{"items":[`)
	for i := range p.Items {
		b = Append(&p.Items[i], codec.Comma(b))
	}
	return append(codec.AppendString(codec.AppendRaw(b, `],"next":`), p.Next), '}')
}

var pageFields = codec.Fields{Names: []string{"items", "next"}, Required: 3}

// DecodeJSON reads the page of another contract.
func (p *Page[T]) DecodeJSON(r *codec.Reader) {
	decodePage(r, &p.Next, func() {
		v := new(T)
		Decode(v, r)
		p.Items = append(p.Items, *v)
	})
}

func decodePage(r *codec.Reader, next *string, item func()) {
	var seen uint64
	r.Object()
	for {
		switch r.Field(&pageFields, &seen) {
		case 0:
			r.List()
			for r.More() {
				item()
			}
		case 1:
			*next = r.String()
		default:
			return
		}
	}
}
