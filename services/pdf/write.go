package pdf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/huchain/huchain/crypto"
)

// writer puts objects into a file. Numbers are given out first, so that objects can name
// those behind them.
type writer struct {
	out     bytes.Buffer
	offsets []int // by number, from 1
}

func (w *writer) reserve() int {
	w.offsets = append(w.offsets, 0)
	return len(w.offsets)
}

func (w *writer) object(n int, format string, args ...any) {
	w.offsets[n-1] = w.out.Len()
	fmt.Fprintf(&w.out, "%d 0 obj\n", n)
	fmt.Fprintf(&w.out, format, args...)
	w.out.WriteString("\nendobj\n")
}

// stream writes an object with content. It is not compressed: the same input gives the
// same bytes under every version of every library.
func (w *writer) stream(n int, dict string, content []byte) {
	w.offsets[n-1] = w.out.Len()
	fmt.Fprintf(&w.out, "%d 0 obj\n<<%s/Length %d>>\nstream\n", n, dict, len(content))
	w.out.Write(content)
	w.out.WriteString("\nendstream\nendobj\n")
}

// text is a string in UTF-16, as titles and descriptions are written.
func text(s string) string {
	out := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return "<" + hex.EncodeToString(out) + ">"
}

func date(t time.Time) string { return "(D:" + t.UTC().Format("20060102150405") + "Z)" }

func refs(numbers []int) string {
	var out []string
	for _, n := range numbers {
		out = append(out, fmt.Sprintf("%d 0 R", n))
	}
	return "[" + strings.Join(out, " ") + "]"
}

// Signature says what stands in a signature's dictionary beside the signature.
type Signature struct {
	Name     string // of who signs
	Reason   string
	MaxBytes int // of the signature; the rest is filled up
}

const (
	contentsKey = "/Contents <"
	rangeForm   = "/ByteRange [%010d %010d %010d %010d]"
)

// Bytes returns the document, unsigned.
func (d *Document) Bytes() ([]byte, error) { return d.write(nil) }

// write returns the document, with an empty signature where one is wanted.
func (d *Document) write(sig *Signature) ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	w := &writer{}
	w.out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	catalog, pages, info := w.reserve(), w.reserve(), w.reserve()
	extra := ""
	var field int
	if sig != nil {
		field = w.reserve()
		extra += fmt.Sprintf("/AcroForm<</SigFlags 3/Fields %s>>", refs([]int{field}))
	}
	kids := d.writePages(w, pages, field)
	if field > 0 {
		d.writeSignature(w, field, kids[0], sig)
	}
	extra += d.writeAttachments(w)
	w.object(pages, "<</Type/Pages/Count %d/Kids %s>>", len(kids), refs(kids))
	w.object(catalog, "<</Type/Catalog/Pages %d 0 R/Lang(%s)/ViewerPreferences<</DisplayDocTitle true>>%s>>", pages, d.language(), extra)
	w.object(info, "<</Title %s/Author %s/Subject %s/CreationDate %s/Producer(HuChain)>>",
		text(d.info.Title), text(d.info.Author), text(d.info.Subject), date(d.info.Created))
	id := crypto.Sum(w.out.Bytes())
	start := w.out.Len()
	fmt.Fprintf(&w.out, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets)+1)
	for _, at := range w.offsets {
		fmt.Fprintf(&w.out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&w.out, "trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID[<%x><%x>]>>\nstartxref\n%d\n%%%%EOF\n",
		len(w.offsets)+1, catalog, info, id[:16], id[:16], start)
	return w.out.Bytes(), nil
}

func (d *Document) language() string {
	for _, r := range d.info.Language {
		if r != '-' && (r < '0' || r > 'z') || r == '\\' {
			return "zh-CN"
		}
	}
	return d.info.Language
}

// writePages writes pages with their footers, and the fonts.
func (d *Document) writePages(w *writer, parent, field int) (kids []int) {
	contents := make([][]byte, len(d.pages))
	for i, p := range d.pages { // footers use glyphs, too
		b := bytes.NewBuffer(slices.Clone(p.Bytes()))
		number := fmt.Sprintf("%d/%d", i+1, len(d.pages))
		d.line(b, margin, bottom-14*Point, pageWidth-margin, bottom-14*Point)
		for j, line := range wrap(d.footer, 8*Point, contentWidth-60*Point) {
			d.show(b, margin, bottom-Length(26+11*j)*Point, 8*Point, line)
		}
		d.show(b, pageWidth-margin-textWidth(number, 8*Point), bottom-26*Point, 8*Point, number)
		contents[i] = b.Bytes()
	}
	fonts := fmt.Sprintf("/F1 %d 0 R/F2 %d 0 R", d.latin.write(w), d.han.write(w))
	for i, c := range contents {
		page, content := w.reserve(), w.reserve()
		annots := ""
		if i == 0 && field > 0 {
			annots = "/Annots " + refs([]int{field})
		}
		w.object(page, "<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]/Resources<</Font<<%s>>>>/Contents %d 0 R%s>>",
			parent, pageWidth, pageHeight, fonts, content, annots)
		w.stream(content, "", c)
		kids = append(kids, page)
	}
	return kids
}

// write writes the font as a composite one, by numbers of glyphs (section 9.7).
func (s *subset) write(w *writer) int {
	file := s.file() // which numbers components
	font, cid, descriptor, data, unicode := w.reserve(), w.reserve(), w.reserve(), w.reserve(), w.reserve()
	sum := crypto.Sum(file)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	name := string(tag) + "+" + s.name
	scaled := func(v int) int { return v * 1000 / s.unitsPerEm }
	var widths bytes.Buffer
	for _, g := range s.order {
		fmt.Fprintf(&widths, "%d ", s.width(g))
	}
	w.object(font, "<</Type/Font/Subtype/Type0/BaseFont/%s/Encoding/Identity-H/DescendantFonts[%d 0 R]/ToUnicode %d 0 R>>", name, cid, unicode)
	w.object(cid, "<</Type/Font/Subtype/CIDFontType2/BaseFont/%s/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>"+
		"/FontDescriptor %d 0 R/CIDToGIDMap/Identity/DW 1000/W[0[%s]]>>", name, descriptor, strings.TrimSpace(widths.String()))
	w.object(descriptor, "<</Type/FontDescriptor/FontName/%s/Flags 4/FontBBox[%d %d %d %d]/ItalicAngle 0/Ascent %d/Descent %d/CapHeight %d/StemV 80/FontFile2 %d 0 R>>",
		name, scaled(int(s.bounds[0])), scaled(int(s.bounds[1])), scaled(int(s.bounds[2])), scaled(int(s.bounds[3])),
		scaled(s.ascent), scaled(s.descent), scaled(s.ascent), data)
	w.stream(data, fmt.Sprintf("/Length1 %d", len(file)), file)
	w.stream(unicode, "", s.toUnicode())
	return font
}

// toUnicode is the map by which text is found and copied (section 9.10.3).
func (s *subset) toUnicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry(Adobe)/Ordering(UCS)/Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n")
	var numbers []uint16
	for n := range s.order {
		if _, ok := s.runes[uint16(n)]; ok {
			numbers = append(numbers, uint16(n))
		}
	}
	for chunk := range slices.Chunk(numbers, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(chunk))
		for _, n := range chunk {
			fmt.Fprintf(&b, "<%04x> <%04x>\n", n, s.runes[n])
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return b.Bytes()
}

// writeAttachments writes attached files (section 7.11.4) and returns their entries of the
// catalogue.
func (d *Document) writeAttachments(w *writer) string {
	if len(d.attachments) == 0 {
		return ""
	}
	sorted := slices.Clone(d.attachments)
	slices.SortFunc(sorted, func(a, b Attachment) int { return strings.Compare(a.Name, b.Name) })
	var specs []int
	names := ""
	for _, a := range sorted {
		spec, file := w.reserve(), w.reserve()
		w.object(spec, "<</Type/Filespec/F(%s)/UF(%s)/Desc %s/AFRelationship/Data/EF<</F %d 0 R/UF %d 0 R>>>>", a.Name, a.Name, text(a.Description), file, file)
		w.stream(file, fmt.Sprintf("/Type/EmbeddedFile/Name(%s)/Subtype/%s/Params<</Size %d/ModDate %s>>",
			a.Name, strings.ReplaceAll(a.MediaType, "/", "#2F"), len(a.Content), date(d.info.Created)), a.Content)
		specs = append(specs, spec)
		names += fmt.Sprintf("(%s) %d 0 R", a.Name, spec)
	}
	return fmt.Sprintf("/Names<</EmbeddedFiles<</Names[%s]>>>>/AF %s", names, refs(specs))
}

// writeSignature writes an invisible signature field with room (section 12.8).
func (d *Document) writeSignature(w *writer, field, page int, sig *Signature) {
	value := w.reserve()
	w.object(field, "<</Type/Annot/Subtype/Widget/FT/Sig/T(signature)/F 132/Rect[0 0 0 0]/P %d 0 R/V %d 0 R>>", page, value)
	w.object(value, "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/Name %s/Reason %s/M %s\n"+rangeForm+"\n"+contentsKey+"%s>>>",
		text(sig.Name), text(sig.Reason), date(d.info.Created), 0, 0, 0, 0, strings.Repeat("00", sig.MaxBytes))
}

// Signable is a document with room for a signature over all of it but that room.
type Signable struct {
	file       []byte
	start, end int // of the room, between "<" and ">" and with them
}

// Signable returns the document, to be signed.
func (d *Document) Signable(sig Signature) (*Signable, error) {
	if sig.MaxBytes < 1 || sig.MaxBytes > 1<<20 {
		return nil, errors.New("a signature has 1 byte to 1 MiB")
	}
	b, err := d.write(&sig)
	if err != nil {
		return nil, err
	}
	mark := []byte(contentsKey + "00")
	at := bytes.LastIndex(b, mark) // attachments come behind: those of ours hold no such text
	if at != bytes.Index(b, mark) {
		return nil, errors.New("an attachment looks like a signature")
	}
	s := &Signable{file: b, start: at + len(contentsKey) - 1}
	s.end = s.start + 2 + 2*sig.MaxBytes
	ranges := fmt.Sprintf(rangeForm, 0, s.start, s.end, len(b)-s.end)
	copy(b[at-1-len(ranges):], ranges)
	return s, nil
}

// Signed returns the two parts that the signature covers.
func (s *Signable) Signed() [2][]byte { return [2][]byte{s.file[:s.start], s.file[s.end:]} }

// Fill puts a signature in and returns the file.
func (s *Signable) Fill(signature []byte) ([]byte, error) {
	if 2*len(signature) > s.end-s.start-2 {
		return nil, fmt.Errorf("signature of %d bytes, room for %d", len(signature), (s.end-s.start-2)/2)
	}
	out := bytes.Clone(s.file)
	hex.Encode(out[s.start+1:], signature)
	return out, nil
}
