package scan

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

func typesIn(t *testing.T, text string) []string {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	last := 0
	for _, sp := range s.Text([]byte(text)) {
		if sp.Start < last || sp.End > len(text) || sp.Start >= sp.End {
			t.Errorf("%q: %v overlaps or lies outside", text, sp)
		}
		last = sp.End
		out = append(out, sp.Type)
	}
	return out
}

// Passwords as people choose them are found where something called one is set to it, and
// what stands in a password's place is none.
func TestChosenPasswords(t *testing.T) {
	for _, text := range []string{
		// What holds a word of those that stand in a password's place, and more, is one.
		"password=Example#2024", "password=your_R0se!", "password=Chaos.99!x", "password=redacted7",
		"password=hunter2", "DB_PASSWORD=Summer2024!\n", `"password": "letmein"`, `{"userPwd":"qwerty"}`, `password => 'sesame'`, "db.pass = 'rosebud'",
		"spring.datasource.password=tiger99", "passwort: geheim7", "<password>opensesame</password>", "https://x.example/login?user=bob&password=hunter2",
		"mysqldump --password=s3same shop", "export PGPASSWORD=correcthorse\n", "password: monkey\n", `password := "hunter2"`, `{\"password\":\"hunter2\"}`,
		`passphrase = "correct horse battery staple"`, "  password: 123456\n", "data:\n  password: aHVudGVyMg==\n", "Pwd=swordfish1;Server=db",
	} {
		if got := typesIn(t, text); !slices.Contains(got, "PASSWORD") {
			t.Errorf("%q: found %v, want PASSWORD", text, got)
		}
	}
	for _, text := range []string{
		`password = input("password: ")`, "def login(user: str, password: str) -> bool:", "check(user=user, password=password)", `PASSWORD = os.environ["PASSWORD"]`,
		`cfg.password = config.get("password")`, `if password == "hunter2":`, `"password": "Enter your password"`, "password: ${DB_PASSWORD}", "password: {{ .Values.password }}",
		"password=<password>", "password: SecretStr\n", "password: string;", "hash: sha256, password: bcrypt", `password="********"`, "password: null", "--- PASS: TestX4 (0.1s)",
		"pwd=/home/bob1", "passwd:x:1000:1000:bob:/home/bob:/bin/sh", "min_password_length: 1234", "forgot_password: https://x.example/reset4", "password: !vault |", "password: arn:aws:secretsmanager:eu-west-1:1:secret:x",
		"require_password=true", "compass: north1", "bypass = yes1", `"password": "Passwort"`, "open(name, pwd=None):", "pw = 0x48", "password=self.password1", "password: process.env.PASS1",
	} {
		if got := typesIn(t, text); slices.Contains(got, "PASSWORD") {
			t.Errorf("%q: a password is seen where none is", text)
		}
	}
}

// What is written in base 64 is read as what it stands for, however it is broken or packed.
func TestEncodedValuesAreFound(t *testing.T) {
	const secret = "contact jane.doe@example.com, card 4111 1111 1111 1111, ssn 536-12-4242 and so forth"
	enc := base64.StdEncoding.EncodeToString
	wide := utf16.Encode([]rune("mail jane.doe@example.com and card 4111 1111 1111 1111"))
	var utf16le, packed bytes.Buffer
	for _, u := range wide {
		utf16le.Write([]byte{byte(u), byte(u >> 8)})
	}
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(secret))
	_ = z.Close()
	lines := enc([]byte(secret + secret))
	wrapped := func(sep string) string {
		var out []string
		for s := lines; len(s) > 0; s = s[min(76, len(s)):] {
			out = append(out, s[:min(76, len(s))])
		}
		return strings.Join(out, sep)
	}
	for name, text := range map[string]string{
		"plain": "blob: " + enc([]byte(secret)), "quoted": `{"v":"` + enc([]byte(secret)) + `"}`, "url alphabet": "x=" + base64.URLEncoding.EncodeToString([]byte(secret+"???>>>")),
		"no padding": "x " + base64.RawStdEncoding.EncodeToString([]byte(secret)) + " y", "twice": "x " + enc([]byte(enc([]byte(secret)))), "behind a path": "/v1/" + enc([]byte(secret)),
		"lines": "x\n" + wrapped("\n") + "\ny", "lines of Windows": "x\r\n" + wrapped("\r\n"), "indented": "k: |\n  " + wrapped("\n  ") + "\n", "escaped lines": `"` + wrapped(`\n`) + `"`,
		"two bytes a character": "powershell -enc " + enc(utf16le.Bytes()), "packed": "release: " + enc(packed.Bytes()), "data address": "data:text/plain;base64," + enc([]byte(secret)),
	} {
		got := typesIn(t, text)
		if !slices.Contains(got, "EMAIL_ADDRESS") || !slices.Contains(got, "CREDIT_CARD") {
			t.Errorf("%s: found %v in %q", name, got, text)
		}
	}
	if got := typesIn(t, "Authorization: Basic "+enc([]byte("admin:letmein"))); !slices.Contains(got, "PASSWORD") {
		t.Errorf("basic authentication: found %v", got)
	}
	for _, text := range []string{"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "x " + enc(bytes.Repeat([]byte{0xfe, 3, 0x91}, 40)), "usr/local/lib/python3/distpackages/abc1"} {
		if got := typesIn(t, text); len(got) > 0 {
			t.Errorf("%q: found %v", text, got)
		}
	}
}

// A run that seems to stand for text at its beginning is not tried again at each line:
// tried for each pair of lines, a megabyte would outlast go test's own limit.
func TestEncodedLinesTakeLinearTime(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	line := base64.StdEncoding.EncodeToString([]byte("readable, forty-eight, and then what is not \xff\xfe\xfd")) + "\n"
	inside := base64.StdEncoding.EncodeToString(append([]byte("\x1f\x8b\x08"), bytes.Repeat([]byte{0}, 90)...)) + " "
	for _, unit := range []string{line, strings.Repeat("A1b2", 19) + "\n", inside, "password=", "password:\"", "a1/"} {
		s.Text([]byte(strings.Repeat(unit, 1<<20/len(unit))))
	}
}

// Names that a model for other texts cannot find are unknown, not absent.
func TestNamesThatAreNotKnown(t *testing.T) {
	image := base64.StdEncoding.EncodeToString(append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{7, 200}, 80)...))
	tests := []struct {
		name, text string
		want       Verdict
		unknown    string
	}{
		{"cyrillic.csv", "name,ok\nИван Петров,да\nОльга Иванова,нет\n", Unknown, "PERSON"},
		{"greek.txt", "Ο Γιώργος Παπαδόπουλος μένει στην Αθήνα\n", Unknown, "PERSON"},
		{"chinese.jsonl", "{\"m\":\"张伟住在上海\"}\n", Unknown, "PERSON"},
		{"arabic.txt", "محمد يسكن في القاهرة", Unknown, "LOCATION"},
		{"hebrew.jsonl", "{\"m\":\"דוד גר בחיפה\"}\n", Unknown, "PERSON"},
		{"chat.jsonl", "{\"m\":\"hi there!\"}\n{\"m\":\"thx mate :)\"}\n{\"m\":\"is it in?\"}\n", Unknown, "PERSON"},
		{"archive.jsonl", "{\"v\":\"" + base64.StdEncoding.EncodeToString(append([]byte("PK\x03\x04\x14\x00"), bytes.Repeat([]byte{7, 200}, 80)...)) + "\"}\n", Unknown, ""},
		{"image.jsonl", "{\"v\":\"" + image + "\"}\n", Unknown, ""},
		{"signs.csv", "a,b\n1,µ\n2,Ω\n", None, ""},
		{"kinds.csv", "a,b\n" + strings.Repeat("1,in stock!\n2,sold out!\n", 40), None, ""},
		{"paths.csv", "a,b\n1,/usr/lib/x1 y2\n2,a_b=c d1\n", None, ""},
	}
	s, err := New(Options{Names: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		r, err := s.Object(t.Context(), tt.name, strings.NewReader(tt.text), int64(len(tt.text)), format.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != tt.want || tt.unknown != "" && !slices.Contains(r.Unknown, tt.unknown) || r.Verdict == Unknown && len(r.Reasons) == 0 {
			t.Errorf("%s: %s, unknown %v, reasons %q; want %s", tt.name, r.Verdict, r.Unknown, r.Reasons, tt.want)
		}
	}
}

// silent is a model that finds nothing.
type silent struct{}

func (silent) Names(spans []Span, _ []byte) []Span { return spans }

// Cells of columns named for passwords and keys are such, however they are named.
func TestColumnsOfPasswords(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"db_password":"hunter2"}`: "PASSWORD", `{"adminPwd":"letmein"}`: "PASSWORD", `{"api_key":"9f8a7d6c5b4a3f2e1d0c"}`: "SECRET_GENERIC", `{"a":{"clientSecret":"k3J9x2Qp7LmZ0aW"}}`: "SECRET_GENERIC",
		`{"has_password":true}`: "", `{"password_reset":"2024"}`: "", `{"next_token":"9f8a7d6c5b4a3f2e1d0c"}`: "", `{"db_password":"${DB_PASSWORD}"}`: "",
	} {
		r, err := s.Object(t.Context(), "a.json", strings.NewReader(text), int64(len(text)), format.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, l := range r.Labels {
			got += l.Type
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
	}
}
