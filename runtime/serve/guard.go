package serve

import (
	"net"
	"net/http"
	"strings"

	"github.com/loupe-vl/loupe/weights"
)

// guard lets through only requests of the studio's own page. A page of another site can make a browser send requests to
// this machine, by address or by a host name that it points here (DNS rebinding). Both are refused.
func guard(host string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		switch {
		case !ownHost(r.Host, host):
			fail(w, http.StatusForbidden, "the studio does not answer to the host name "+r.Host+"; open the address that it printed")
		case !ownOrigin(r):
			fail(w, http.StatusForbidden, "the studio answers to its own page only; open the address that it printed")
		default:
			if err := serveCaught(next, w, r); err != nil {
				fail(w, http.StatusInternalServerError, sentence(err)) // the status is lost where an answer had begun
			}
		}
	})
}

// serveCaught answers a request. If the file of the weights cannot be read any more, this request fails, and no other.
func serveCaught(next http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer weights.CatchFaults(&err)()
	next.ServeHTTP(w, r)
	return nil
}

// ownHost reports whether a Host header is an address, which no name server can point elsewhere, localhost, or the host that
// the studio was told to listen on.
func ownHost(header, host string) bool {
	name := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") || host != "" && strings.EqualFold(name, host)
}

// ownOrigin reports whether a request comes from the studio's page, or from no page at all. Anybody may link to the page
// itself.
func ownOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" && origin != "http://"+r.Host {
		return false
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.URL.Path == "/" && r.Header.Get("Sec-Fetch-Mode") == "navigate"
}
