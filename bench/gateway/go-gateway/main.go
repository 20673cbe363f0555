// go-gateway takes signed webhooks over HTTP and answers each when Kafka has acknowledged it: the net/http of Go's standard
// library before franz-go, with nothing between them but the check of the signature.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	bodyMax  = 1 << 20
	accepted = `{"status":"success","event_id":"00000000-0000-0000-0000-000000000000"}`
)

type gateway struct {
	producer *kgo.Client
	secret   []byte
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where webhooks are taken")
	brokers := flag.String("brokers", "127.0.0.1:9092", "host:port of some brokers, separated by commas")
	topic := flag.String("topic", "webhooks", "where they are written")
	secret := flag.String("secret", "", "what senders sign with")
	flag.Parse()
	producer, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(*brokers, ",")...),
		kgo.DefaultProduceTopic(*topic),
		// Writes are idempotent unless one says otherwise.
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(2*time.Millisecond),
		kgo.ProducerBatchMaxBytes(1<<20),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.MaxBufferedRecords(200_000),
	)
	if err != nil {
		log.Fatalf("making a producer: %v", err)
	}
	defer producer.Close()
	routes := http.NewServeMux()
	routes.Handle("POST /", &gateway{producer, []byte(*secret)})
	server := &http.Server{Addr: *listen, Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	if err := serve(server); err != nil {
		log.Fatalf("serving: %v", err)
	}
}

// serve returns when a signal has ended the server and its requests have been answered.
func serve(server *http.Server) error {
	signalled, forget := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer forget()
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-signalled.Done():
	}
	patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return server.Shutdown(patience)
}

func (g *gateway) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, bodyMax))
	if err != nil {
		status := http.StatusBadRequest
		if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
			status = http.StatusRequestEntityTooLarge
		}
		http.Error(answer, "the body could not be read", status)
		return
	}
	if !g.signed(body, request.Header.Get("X-Signature")) {
		http.Error(answer, "the signature is not of this body", http.StatusUnauthorized)
		return
	}
	acknowledged := make(chan error, 1)
	record := &kgo.Record{Value: body}
	g.producer.Produce(request.Context(), record, func(_ *kgo.Record, err error) { acknowledged <- err })
	if err := <-acknowledged; err != nil {
		answer.Header().Set("Retry-After", "1")
		http.Error(answer, "not stored", http.StatusServiceUnavailable)
		return
	}
	answer.Header().Set("Content-Type", "application/json")
	answer.WriteHeader(http.StatusAccepted)
	// A sender that has gone is told nothing.
	_, _ = io.WriteString(answer, accepted)
}

func (g *gateway) signed(body []byte, signature string) bool {
	shown, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	of := hmac.New(sha256.New, g.secret)
	of.Write(body)
	return hmac.Equal(shown, of.Sum(nil))
}
