//go:build wasip1

package contract

// sizes are the size classes of Go's allocator up to 2 KiB.
var sizes = [...]int{8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
	384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048}

var (
	warmBytes    []byte
	warmPointers []*byte
)

// warm makes Go's allocator set up a span of each small size class while the module
// initialises. The snapshot that every call starts from then holds the spans: without
// it a call pays some 20,000 instructions for the first object of each size.
var _ = func() struct{} {
	for _, n := range sizes {
		warmBytes = make([]byte, n)
		warmPointers = make([]*byte, n/8)
	}
	warmBytes, warmPointers = nil, nil
	return struct{}{}
}()
