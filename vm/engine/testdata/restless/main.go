// Restless is a contract that looks at all that differs between machines and runs.
package main

import (
	crand "crypto/rand"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"
	"unsafe"
)

//go:wasmimport huchain output
func hostOutput(p unsafe.Pointer, n uint32)

var atStart = fmt.Sprint(time.Now().UnixNano(), rand.Uint64())

//go:wasmexport huchain_call
func call() {
	var b strings.Builder
	random := make([]byte, 16)
	crand.Read(random)
	fmt.Fprintln(&b, atStart, time.Now().UnixNano(), time.Since(time.Unix(0, 0)), random, rand.Uint64())

	m := map[string]int{}
	for i := range 100 {
		m[fmt.Sprint("key", i)] = i
	}
	for k, v := range m {
		fmt.Fprint(&b, k, v, " ")
	}

	var mu sync.Mutex
	var wg sync.WaitGroup
	var order []int
	for i := range 20 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if i%3 == 0 {
				runtime.Gosched()
			}
			mu.Lock()
			order = append(order, i)
			mu.Unlock()
		}()
	}
	wg.Wait()
	fmt.Fprintln(&b, order)

	a, c := make(chan int, 9), make(chan int, 9)
	for i := range 9 {
		a <- i
		c <- i
	}
	for range 18 {
		select {
		case v := <-a:
			fmt.Fprint(&b, "a", v)
		case v := <-c:
			fmt.Fprint(&b, "c", v)
		}
	}

	nan := math.Inf(1) - math.Inf(1)
	fmt.Fprintf(&b, "\n%x %x %x\n", math.Float64bits(nan), math.Float32bits(float32(nan)), math.Float64bits(math.Sqrt(-2)))
	_, err := os.Open("/etc/hostname")
	fmt.Fprintln(&b, err, os.Args, os.Environ(), unsafe.Pointer(&m), runtime.NumCPU(), runtime.NumGoroutine())
	var ms runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&ms)
	fmt.Fprintln(&b, ms.HeapAlloc, ms.Mallocs, ms.NumGC)
	out := []byte(b.String())
	hostOutput(unsafe.Pointer(unsafe.SliceData(out)), uint32(len(out)))
}

func main() {}
