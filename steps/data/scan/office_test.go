package scan_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

func archived(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What stands beside the pages, slides and sheets of a document is read: notes, comments,
// charts, properties, embedded files. Pictures and macros are told.
func TestWhatStandsBesideInDocuments(t *testing.T) {
	const mail, ssn = "anna.berg@harbour.example", "536-22-8741"
	deck := map[string]string{"ppt/presentation.xml": "<p/>", "ppt/slides/slide1.xml": "<p:sld><a:p><a:t>12</a:t></a:p></p:sld>"}
	book := map[string]string{"xl/workbook.xml": "<w/>", "xl/worksheets/sheet1.xml": `<s><row><c r="A1"><v>1</v></c></row></s>`}
	letter := map[string]string{"word/document.xml": "<w:p><w:t>12</w:t></w:p>"}
	for name, c := range map[string]struct {
		base       map[string]string
		file, text string
		want       string // a type, or the beginning of a reason
	}{
		"notes.pptx":    {deck, "ppt/notesSlides/notesSlide1.xml", "<n><a:p><a:r><a:t>SSN 536-22-</a:t></a:r><a:r><a:t>8741</a:t></a:r></a:p></n>", "US_SSN"},
		"comment.pptx":  {deck, "ppt/comments/comment1.xml", "<c><text>SSN " + ssn + "</text></c>", "US_SSN"},
		"chart.pptx":    {deck, "ppt/charts/chart1.xml", "<c><pt><v>" + mail + "</v></pt></c>", "EMAIL_ADDRESS"},
		"embedded.pptx": {deck, "ppt/embeddings/a.xlsx", string(archived(t, map[string]string{"xl/workbook.xml": "<w/>", "xl/worksheets/sheet1.xml": `<s><row><c r="A1" t="str"><v>` + mail + `</v></c></row></s>`})), "EMAIL_ADDRESS"},
		"comment.xlsx":  {book, "xl/comments1.xml", "<c><comment><t>" + mail[:5] + "</t><t>" + mail[5:] + "</t></comment></c>", "EMAIL_ADDRESS"},
		"thread.xlsx":   {book, "xl/threadedComments/t1.xml", "<c><text>" + mail + "</text></c>", "EMAIL_ADDRESS"},
		"box.xlsx":      {book, "xl/drawings/drawing1.xml", "<c><a:p><a:t>" + mail + "</a:t></a:p></c>", "EMAIL_ADDRESS"},
		"author.docx":   {letter, "docProps/core.xml", "<c><dc:creator>" + mail + "</dc:creator></c>", "EMAIL_ADDRESS"},
		"company.docx":  {letter, "docProps/app.xml", "<c><Pages>5</Pages><Manager>" + mail + "</Manager></c>", "EMAIL_ADDRESS"},
		"picture.docx":  {letter, "word/media/image1.png", "\x89PNG", "1 pictures or recordings in the document"},
		"macros.xlsx":   {book, "xl/vbaProject.bin", "x", "the document's macros are not read"},
	} {
		parts := map[string]string{c.file: c.text}
		for k, v := range c.base {
			parts[k] = v
		}
		res := object(t, name, archived(t, parts))
		if !slices.Contains(types(res), c.want) && !slices.ContainsFunc(res.Reasons, func(why string) bool { return strings.HasPrefix(why, c.want) }) {
			t.Errorf("%s: %s not in %v, %v", name, c.want, types(res), res.Reasons)
		}
		if plain := object(t, name, archived(t, c.base)); plain.Verdict != scan.None {
			t.Errorf("%s without it: %s, %v", name, plain.Verdict, plain.Reasons)
		}
	}
}

// Streams of a PDF are unpacked by each of their filters, and what its objects say beside the
// pages is read: values of forms, notes, links, its author.
func TestPDFFiltersAndFields(t *testing.T) {
	const page = "BT (SSN 536-22-8741 of hers) Tj ET"
	var packed, armoured bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write([]byte(page))
	_ = z.Close()
	a := ascii85.NewEncoder(&armoured)
	_, _ = a.Write(packed.Bytes())
	_ = a.Close()
	stream := func(filter, body string) string {
		return fmt.Sprintf("%%PDF-1.4\n1 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n", filter, len(body), body)
	}
	const blank = "BT (Plan) Tj ET"
	for name, c := range map[string]struct{ text, want string }{
		"ascii85":  {stream("/Filter [ /ASCII85Decode /FlateDecode ]", armoured.String()+"~>"), "US_SSN"},
		"hex":      {stream("/Filter /ASCIIHexDecode", fmt.Sprintf("%x>", page)), "US_SSN"},
		"plain":    {stream("", page), "US_SSN"},
		"form":     {stream("", blank) + "2 0 obj << /FT /Tx /T (mail) /V (anna.berg@harbour.example) >> endobj\n", "EMAIL_ADDRESS"},
		"utf16":    {stream("", blank) + "2 0 obj << /V (\xfe\xff" + wide("anna.berg@harbour.example") + ") >> endobj\n", "EMAIL_ADDRESS"},
		"author":   {stream("", blank) + "2 0 obj << /Author <616e6e61406861726265722e6578616d706c65> >> endobj\n", "EMAIL_ADDRESS"},
		"link":     {stream("", blank) + "2 0 obj << /S /URI /URI (mailto:anna.berg@harbour.example) >> endobj\n", "EMAIL_ADDRESS"},
		"objects":  {stream("", blank) + stream("/Type /ObjStm /N 1", "<< /V (anna.berg@harbour.example) >>"), "EMAIL_ADDRESS"},
		"unknown":  {stream("/Filter /LZWDecode", "x"), "a part of the document is packed in a way that is not read"},
		"hex junk": {stream("/Filter /ASCIIHexDecode", "zz>"), "a part of the document is damaged"},
	} {
		res := object(t, "a.pdf", []byte(c.text+"%%EOF\n"))
		if !slices.Contains(types(res), c.want) && !slices.Contains(res.Reasons, c.want) {
			t.Errorf("%s: %s not in %v, %v", name, c.want, types(res), res.Reasons)
		}
	}
}

func wide(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(0)
		b.WriteByte(s[i])
	}
	return b.String()
}

// Tags that only change how text looks part no number; others do.
func TestTagsWithinNumbers(t *testing.T) {
	for text, want := range map[string]bool{
		"<p>card <b>4539</b> 1488 0343 6467</p>": true, `<p>card <span class="x y">4539 1488</span><span style="color:red"> 0343 6467</span></p>`: true,
		"<p>card 4539</p><p>1488 0343 6467 of</p>": false, `<b title="anna.berg@harbour.example">x</b>`: false,
	} {
		res := object(t, "a.html", []byte("<html><body>"+text+"</body></html>"))
		if got := slices.Contains(types(res), "CREDIT_CARD"); got != want {
			t.Errorf("%s: %v", text, types(res))
		}
		if strings.Contains(text, "title") && !slices.Contains(types(res), "EMAIL_ADDRESS") {
			t.Errorf("%s: %v", text, types(res))
		}
	}
}
