package api

import (
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"github.com/huchain/huchain/web"
)

// consolePath is where the web console stands; its pages have addresses below it.
const consolePath = "/console/"

// consolePolicy lets the console load what its own node serves and nothing else. Ant
// Design writes its styles into the page.
const consolePolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// verifyPath is the public verification page, which the sites that the node's policy names
// may show within theirs.
const verifyPath = consolePath + "verify"

// policyOf is the policy of a page.
func policyOf(page string, embed []string) string {
	if len(embed) == 0 || page != verifyPath && !strings.HasPrefix(page, verifyPath+"/") {
		return consolePolicy
	}
	return strings.Replace(consolePolicy, "frame-ancestors 'none'", "frame-ancestors 'self' "+strings.Join(embed, " "), 1)
}

// notBuilt is served where the binary holds no console.
const notBuilt = `<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>HuChain</title>
<body style="font-family: sans-serif; max-width: 40em; margin: 3em auto; padding: 0 1em">
<h1>沪链</h1>
<p>此程序构建时未包含网页控制台。请安装 Node.js 20（含 npm），在源码目录执行 <code>make build</code>，再重新启动节点。接口说明见 <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>。</p>
<h1 lang="en">HuChain</h1>
<p lang="en">This binary was built without the web console. Install Node.js 20 with npm, run <code>make build</code> in the source folder, and start the node again. The API is described at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p>
</body></html>
`

// console serves the files of the web console, compressed. Addresses of pages, which have
// no file, get index.html: the page finds its way by the address.
func console(files fs.FS, built bool, embed []string) http.Handler {
	if !built {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			consoleHeaders(w, consolePolicy)
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(notBuilt)) //nolint:errcheck // the client is gone if this fails
		})
	}
	server := http.StripPrefix(strings.TrimSuffix(consolePath, "/"), http.FileServerFS(files))
	return gzhttp.GzipHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(path.Clean(r.URL.Path), consolePath)
		if _, err := fs.Stat(files, name); err == nil && strings.HasPrefix(name, "assets/") && path.Ext(name) != "" {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable") // names carry a hash of the content
			w.Header().Set("X-Content-Type-Options", "nosniff")
			server.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(name, "assets/") {
			http.NotFound(w, r)
			return
		}
		consoleHeaders(w, policyOf(path.Clean(r.URL.Path), embed))
		http.ServeFileFS(w, r, files, "index.html")
	}))
}

func (s *Server) console() http.Handler {
	files, built := web.Console()
	return console(files, built, s.access.Embed)
}

func consoleHeaders(w http.ResponseWriter, policy string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
}
