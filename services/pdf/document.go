package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"rsc.io/qr"
)

// The page is A4.
const (
	pageWidth    = 595 * Point
	pageHeight   = 842 * Point
	margin       = 56 * Point
	contentWidth = pageWidth - 2*margin
	bottom       = 72 * Point
)

// Info is what a document says about itself.
type Info struct {
	Title    string
	Author   string
	Subject  string
	Language string    // as zh-CN
	Created  time.Time // printed nowhere; whole seconds
}

// Field is a row of a table: a label and what it is of.
type Field struct{ Label, Value string }

// Attachment is a file inside a document.
type Attachment struct {
	Name        string // file name in ASCII
	MediaType   string // as application/json
	Description string
	Content     []byte
}

// Limits of a document.
const (
	MaxPages       = 200
	MaxAttachments = 8
)

// Document is being written, from top to bottom. It is for one goroutine. Errors are kept
// and returned by Bytes and Signable.
type Document struct {
	info        Info
	pages       []*bytes.Buffer
	y           Length // where the next line's top is
	footer      string
	attachments []Attachment
	latin, han  *subset
	err         error
}

// New begins a document.
func New(info Info) *Document {
	d := &Document{info: info, latin: newSubset(latin()), han: newSubset(han())}
	d.newPage()
	return d
}

func (d *Document) newPage() {
	if len(d.pages) == MaxPages {
		d.err = fmt.Errorf("more than %d pages", MaxPages)
		d.pages[MaxPages-1].Reset()
	} else {
		d.pages = append(d.pages, &bytes.Buffer{})
	}
	d.y = pageHeight - margin
}

func (d *Document) page() *bytes.Buffer { return d.pages[len(d.pages)-1] }

// room begins a new page unless the height is left on this one.
func (d *Document) room(height Length) {
	if d.y-height < bottom {
		d.newPage()
	}
}

// Footer sets the line at the foot of every page, beside the page's number.
func (d *Document) Footer(text string) { d.footer = text }

// Space leaves room.
func (d *Document) Space(height Length) { d.y -= height }

// Rule draws a line from margin to margin.
func (d *Document) Rule() {
	d.room(12 * Point)
	d.y -= 6 * Point
	d.line(d.page(), margin, d.y, pageWidth-margin, d.y)
	d.y -= 6 * Point
}

func (d *Document) line(b *bytes.Buffer, x1, y1, x2, y2 Length) {
	fmt.Fprintf(b, "0.6 w %s %s m %s %s l S\n", x1, y1, x2, y2)
}

// Title writes one centred line, or more where it is long.
func (d *Document) Title(text string, size Length) {
	for _, line := range wrap(text, size, contentWidth) {
		d.room(size * 3 / 2)
		d.y -= size * 3 / 2
		d.show(d.page(), (pageWidth-textWidth(line, size))/2, d.y, size, line)
	}
}

// Paragraph writes text from margin to margin.
func (d *Document) Paragraph(text string, size Length) {
	for _, line := range wrap(text, size, contentWidth) {
		d.room(size * 3 / 2)
		d.y -= size * 3 / 2
		d.show(d.page(), margin, d.y, size, line)
	}
}

// Fields writes a table of two columns, the first of a width. beside, where positive, is
// left free at the right.
func (d *Document) Fields(rows []Field, size, first, beside Length) {
	for _, row := range rows {
		label, value := wrap(row.Label, size, first-6*Point), wrap(row.Value, size, contentWidth-first-beside)
		n := max(len(label), len(value))
		d.room(size * 8 / 5)
		for i := range n {
			d.room(size * 7 / 5)
			d.y -= size * 7 / 5
			if i < len(label) {
				d.show(d.page(), margin, d.y, size, label[i])
			}
			if i < len(value) {
				d.show(d.page(), margin+first, d.y, size, value[i])
			}
		}
		d.y -= size * 2 / 5
	}
}

// QR draws a QR code (ISO/IEC 18004, level M) with its upper right corner at the right
// margin, down from the line written last; the position for what follows stays.
func (d *Document) QR(text string, side Length) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		d.err = errors.Join(d.err, fmt.Errorf("QR code: %w", err))
		return
	}
	d.room(side)
	b := d.page()
	module := side / Length(code.Size)
	left := pageWidth - margin - module*Length(code.Size)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			n := 0
			for x+n < code.Size && code.Black(x+n, y) {
				n++
			}
			if n > 0 {
				fmt.Fprintf(b, "%s %s %s %s re\n", left+module*Length(x), d.y-module*Length(y+1), module*Length(n), module)
			}
			x += n
		}
	}
	b.WriteString("f\n")
}

// Attach adds a file.
func (d *Document) Attach(a Attachment) {
	if len(d.attachments) == MaxAttachments {
		d.err = errors.Join(d.err, fmt.Errorf("more than %d attachments", MaxAttachments))
		return
	}
	for _, r := range a.Name + a.MediaType {
		if r <= ' ' || r > '~' || r == '(' || r == ')' || r == '\\' || r == '#' || r == '<' || r == '>' {
			d.err = errors.Join(d.err, fmt.Errorf("attachment %q: names are in ASCII", a.Name))
			return
		}
	}
	d.attachments = append(d.attachments, a)
}

// show writes one line of text at a place.
func (d *Document) show(b *bytes.Buffer, x, y, size Length, line string) {
	runes := []rune(line)
	fmt.Fprintf(b, "BT %s %s Td\n", x, y)
	for i := 0; i < len(runes); {
		f := fontOf(runes[i])
		s, name := d.latin, "F1"
		if f == han() {
			s, name = d.han, "F2"
		}
		fmt.Fprintf(b, "/%s %s Tf <", name, size)
		for ; i < len(runes) && fontOf(runes[i]) == f; i++ {
			fmt.Fprintf(b, "%04x", s.glyph(runes[i]))
		}
		b.WriteString("> Tj\n")
	}
	b.WriteString("ET\n")
}
