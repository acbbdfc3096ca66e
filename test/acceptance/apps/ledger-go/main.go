// A ledger: whoever logs in reads the bookings and adds one. SQLite; `ledger migrate` brings the database up to date.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite"
)

var release struct {
	Version         string `json:"version"`
	Schema          int    `json:"schema"`
	Fault           string `json:"fault"`
	SlowMigrationMs int    `json:"slowMigrationMs"`
}

type booking struct {
	ID     int64  `json:"id"`
	Author string `json:"author"`
	Text   string `json:"text"`
	Cents  int64  `json:"cents"`
}

var database *sql.DB

func main() {
	text, err := os.ReadFile("release.json")
	must(err)
	must(json.Unmarshal(text, &release))
	database, err = sql.Open("sqlite", "data/ledger.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)")
	must(err)
	if len(os.Args) > 1 && os.Args[1] == "migrate" {
		migrate()
		return
	}
	switch release.Fault {
	case "crash-at-start":
		panic("the books do not balance")
	case "exit-zero-at-start":
		return
	case "migrates-then-cannot-bind":
		log.Fatalf("port %s cannot be bound", os.Getenv("PORT"))
	}
	serve()
}

func migrate() {
	var schema int
	must(database.QueryRow("PRAGMA user_version").Scan(&schema))
	transaction, err := database.Begin()
	must(err)
	run := func(statement string, values ...any) {
		_, err := transaction.Exec(statement, values...)
		must(err)
	}
	if schema < 1 {
		run("CREATE TABLE bookings (id INTEGER PRIMARY KEY, author TEXT NOT NULL, text TEXT NOT NULL, cents INTEGER NOT NULL)")
		run("INSERT INTO bookings (author, text, cents) VALUES ('ada', 'the first booking', 100)")
		run("PRAGMA user_version = 1")
	}
	for step := max(schema, 1) + 1; step <= release.Schema; step++ {
		run(fmt.Sprintf("ALTER TABLE bookings ADD COLUMN account_%d TEXT NOT NULL DEFAULT 'cash'", step))
		run(fmt.Sprintf("PRAGMA user_version = %d", step))
		time.Sleep(time.Duration(release.SlowMigrationMs) * time.Millisecond)
	}
	switch release.Fault {
	case "destroys-data":
		// The shape stays as it was: only what is in it is gone.
		run("UPDATE bookings SET text = '', cents = 0")
		run("DELETE FROM bookings WHERE id > 1")
	case "migrates-then-cannot-bind":
		run("ALTER TABLE bookings RENAME COLUMN author TO clerk")
	}
	must(transaction.Commit())
}

func serve() {
	http.HandleFunc("GET /healthz", func(response http.ResponseWriter, _ *http.Request) {
		if release.Fault == "never-ready" {
			answer(response, 503, map[string]bool{"ready": false})
			return
		}
		answer(response, 200, map[string]bool{"ready": true})
	})
	http.HandleFunc("GET /version", func(response http.ResponseWriter, _ *http.Request) {
		answer(response, 200, map[string]string{"version": release.Version})
	})
	http.HandleFunc("POST /login", logIn)
	http.HandleFunc("GET /bookings", asUser(listBookings))
	http.HandleFunc("POST /bookings", asUser(addBooking))
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT")}
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ended := make(chan struct{})
	go func() {
		<-asked.Done()
		limited, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(limited)
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-ended
}

func logIn(response http.ResponseWriter, request *http.Request) {
	var body struct{ User, Password string }
	if json.NewDecoder(request.Body).Decode(&body) != nil || release.Fault == "nobody-can-log-in" ||
		body.User != "ada" || body.Password != "open sesame" {
		answer(response, 401, map[string]string{"error": "no such user or password"})
		return
	}
	answer(response, 200, map[string]string{"token": body.User + "." + sign(body.User)})
}

func asUser(next func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		token := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
		user, proof, found := strings.Cut(token, ".")
		if !found || !hmac.Equal([]byte(proof), []byte(sign(user))) {
			answer(response, 401, map[string]string{"error": "log in first"})
			return
		}
		next(response, request, user)
	}
}

func listBookings(response http.ResponseWriter, _ *http.Request, _ string) {
	if release.Fault == "errors-on-one-endpoint" {
		answer(response, 500, map[string]string{"error": "out of ink"})
		return
	}
	rows, err := database.Query("SELECT id, author, text, cents FROM bookings ORDER BY id")
	if err != nil {
		answer(response, 500, map[string]string{"error": err.Error()})
		return
	}
	defer rows.Close()
	bookings := []booking{}
	for rows.Next() {
		var each booking
		must(rows.Scan(&each.ID, &each.Author, &each.Text, &each.Cents))
		bookings = append(bookings, each)
	}
	answer(response, 200, bookings)
}

func addBooking(response http.ResponseWriter, request *http.Request, user string) {
	var body booking
	if json.NewDecoder(request.Body).Decode(&body) != nil {
		answer(response, 400, map[string]string{"error": "a booking is JSON"})
		return
	}
	result, err := database.Exec("INSERT INTO bookings (author, text, cents) VALUES (?, ?, ?)", user, body.Text, body.Cents)
	must(err)
	id, err := result.LastInsertId()
	must(err)
	answer(response, 201, map[string]int64{"id": id})
}

func sign(text string) string {
	mac := hmac.New(sha256.New, []byte(os.Getenv("APP_KEY")))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func answer(response http.ResponseWriter, status int, value any) {
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	_ = json.NewEncoder(response).Encode(value)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
