// Package web holds the web console, as `make build` puts it into dist where npm is. A binary that
// was built without it serves the API alone.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Console returns the files of the console, index.html among them, and whether the binary
// was built with it.
func Console() (files fs.FS, built bool) {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the path is valid
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil
}
