package evidence

import (
	"bytes"
	"net/http"
	"path"
	"strings"
)

// Bounds of the classes of size in bytes.
const (
	smallBytes  = 256 << 10
	mediumBytes = 8 << 20
)

// sizeClass tells small, medium and large originals apart.
func sizeClass(n int64) string {
	switch {
	case n <= smallBytes:
		return "small"
	case n <= mediumBytes:
		return "medium"
	}
	return "large"
}

// documents are media types of office documents by the name's ending, where content alone
// shows no more than an archive or plain bytes.
var documents = map[string]string{
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".ofd":  "application/ofd", // GB/T 33190
	".odt":  "application/vnd.oasis.opendocument.text",
}

// oleMagic begins documents of older office programs.
var oleMagic = []byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}

// classify tells what an original is: by its content, and by its name where the content is
// a container.
func classify(name string, head []byte) (class, media string) {
	media = http.DetectContentType(head)
	media, _, _ = strings.Cut(media, ";")
	if bytes.HasPrefix(head, oleMagic) {
		return "document", "application/x-ole-storage"
	}
	if doc := documents[strings.ToLower(path.Ext(name))]; doc != "" && media == "application/zip" {
		return "document", doc
	}
	major, _, _ := strings.Cut(media, "/")
	switch {
	case media == "application/pdf" || media == "application/postscript":
		return "document", media
	case major == "text":
		return "text", media
	case major == "image" || major == "audio" || major == "video":
		return major, media
	case media == "application/ogg":
		return "audio", media
	case media == "application/zip" || media == "application/x-gzip" || media == "application/x-rar-compressed":
		return "archive", media
	}
	return "other", media
}
