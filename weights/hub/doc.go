// Package hub finds and fetches models by name, OWNER/NAME[@REVISION], in huggingface_hub's own cache: what Python has downloaded is
// found here, and what is downloaded here Python finds.
//
//	HF_HUB_CACHE/models--OWNER--NAME/blobs/ETAG            files by their digests
//	HF_HUB_CACHE/models--OWNER--NAME/snapshots/COMMIT/FILE links to them
//	HF_HUB_CACHE/models--OWNER--NAME/refs/REVISION         the commit that a branch or tag was
//	HF_HUB_CACHE/.locks/models--OWNER--NAME/ETAG.lock      taken while a file is fetched
//
// Only Pull uses the network, and it asks one host. Files come from where that host redirects it, without the token.
// Source: huggingface_hub 2.4, file_download.py and constants.py.
//
// May import: weights/disk, the standard library.
package hub
