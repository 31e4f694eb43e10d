// An S3 store in memory, for tests of caches that machines share: the server of `rclone
// serve s3`, which checks every signature. Two addresses: for buckets in paths, and for
// buckets in hosts' names.
//
// usage: s3_store BUCKET ACCESS-KEY SECRET-KEY; prints both addresses
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

func main() {
	backend := s3mem.New()
	if err := backend.CreateBucket(context.Background(), os.Args[1]); err != nil {
		panic(err)
	}
	keys := map[string]string{os.Args[2]: os.Args[3]}
	failed := make(chan error)
	for _, inHost := range []bool{false, true} {
		server := gofakes3.New(backend, gofakes3.WithV4Auth(keys), gofakes3.WithHostBucket(inHost))
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println(listener.Addr().(*net.TCPAddr).Port)
		go func() { failed <- http.Serve(listener, server.Server()) }()
	}
	panic(<-failed)
}
