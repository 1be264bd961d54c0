package parts

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// header is one of RPM's, padded with a description.
func header(name, epoch, version, release, licence string, pad int) []byte {
	var index, data []byte
	text := func(tag uint32, kind uint32, value string) {
		index = binary.BigEndian.AppendUint32(index, tag)
		index = binary.BigEndian.AppendUint32(index, kind)
		index = binary.BigEndian.AppendUint32(index, uint32(len(data)))
		index = binary.BigEndian.AppendUint32(index, 1)
		data = append(append(data, value...), 0)
	}
	text(rpmName, rpmString, name)
	text(rpmVersion, rpmString, version)
	text(rpmRelease, rpmString, release)
	text(rpmLicence, rpmString, licence)
	text(1005, 9, strings.Repeat("x", pad))
	if epoch != "" {
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		index = binary.BigEndian.AppendUint32(index, rpmEpoch)
		index = binary.BigEndian.AppendUint32(index, rpmInteger)
		index = binary.BigEndian.AppendUint32(index, uint32(len(data)))
		index = binary.BigEndian.AppendUint32(index, 1)
		data = append(data, 0, 0, 0, epoch[0]-'0')
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(len(index)/16))
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	return append(append(out, index...), data...)
}

// rpmFile is a database that SQLite itself wrote.
func rpmFile(tb testing.TB, headers ...[]byte) []byte {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "rpmdb.sqlite")
	db, err := sqlite.OpenConn(name, sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		tb.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(db, "CREATE TABLE 'Other' (a TEXT); CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL); CREATE INDEX o ON Other(a);", nil); err != nil {
		tb.Fatal(err)
	}
	if err := sqlitex.ExecuteTransient(db, "BEGIN", nil); err != nil {
		tb.Fatal(err)
	}
	for _, h := range headers {
		if err := sqlitex.Execute(db, "INSERT INTO Packages (blob) VALUES (?)", &sqlitex.ExecOptions{Args: []any{h}}); err != nil {
			tb.Fatal(err)
		}
	}
	if err := sqlitex.ExecuteTransient(db, "COMMIT", nil); err != nil {
		tb.Fatal(err)
	}
	if err := db.Close(); err != nil {
		tb.Fatal(err)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestRPM(t *testing.T) {
	var headers [][]byte
	for i := range 400 { // inner pages, and rows that flow over into others
		headers = append(headers, header(fmt.Sprintf("p%03d", i), "", "1.0", fmt.Sprintf("%d.el9", i), "MIT", i*40))
	}
	headers = append(headers, header("openssl-libs", "1", "3.0.7", "27.el9", "Apache-2.0", 0), header("gpg-pubkey", "", "8483c65d", "5ccc5b19", "pubkey", 0))
	data := rpmFile(t, headers...)
	a := Read("var/lib/rpm/rpmdb.sqlite", data)
	if len(a.Problems) > 0 || len(a.Parts) != 401 {
		t.Fatalf("%d parts, %+v", len(a.Parts), a.Problems)
	}
	a.Located([]byte("ID=\"rhel\"\nVERSION_ID=\"9.4\"\n"))
	a.Settle()
	got := map[string]string{}
	for _, p := range a.Parts {
		got[p.Name] = p.Ecosystem + " " + p.Version + " " + strings.Join(p.Licences, ",")
	}
	for name, want := range map[string]string{"p000": "Red Hat:9 1.0-0.el9 MIT", "p399": "Red Hat:9 1.0-399.el9 MIT", "openssl-libs": "Red Hat:9 1:3.0.7-27.el9 Apache-2.0"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	// What is damaged is never a shorter list.
	for _, cut := range []int{0, 50, 4096, len(data) / 2, len(data) - 4096, len(data) - 1} {
		if a := Read("var/lib/rpm/rpmdb.sqlite", data[:cut]); len(a.Problems) == 0 {
			t.Errorf("cut at %d: %d parts and no problem", cut, len(a.Parts))
		}
	}
	loop := bytes.Clone(data)
	for at := 4096; at < len(loop); at += 4096 { // every inner page leads to the first
		if loop[at] == 5 {
			binary.BigEndian.PutUint32(loop[at+8:], uint32(at/4096+1))
		}
	}
	if a := Read("var/lib/rpm/rpmdb.sqlite", loop); len(a.Problems) == 0 {
		t.Errorf("a loop: %d parts and no problem", len(a.Parts))
	}
	for name, data := range map[string][]byte{"var/lib/rpm/Packages": []byte("x"), "usr/lib/sysimage/rpm/Packages.db": []byte("RpmP"), "var/lib/rpm/rpmdb.sqlite-wal": []byte("x"), "var/lib/rpm/rpmdb.sqlite": rpmFile(t)} {
		if a := Read(name, data); len(a.Problems) != 1 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

func archive(tb testing.TB, files map[string]string) string {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.String()
}

const pomOf = "#made by Maven\r\ngroupId=%s\r\nartifactId=%s\r\nversion=%s\r\n"

func TestJar(t *testing.T) {
	within := archive(t, map[string]string{"META-INF/maven/g/inner/pom.properties": fmt.Sprintf(pomOf, "g", "inner", "2.0")})
	nameless := archive(t, map[string]string{"a.class": "x"})
	app := archive(t, map[string]string{"META-INF/maven/o.e/app/pom.properties": fmt.Sprintf(pomOf, "o.e", "app", "1.0"), "META-INF/maven/o.e/shaded/pom.properties": fmt.Sprintf(pomOf, "o.e", "shaded", "3.1"),
		"BOOT-INF/lib/inner.jar": within, "BOOT-INF/lib/netty-codec-4.1.94.Final.jar": nameless, "BOOT-INF/lib/broken.jar": "no archive", "BOOT-INF/lib/what.jar": nameless})
	a := Read("app/app.jar", []byte(app))
	a.Settle()
	var got []string
	for _, p := range a.Parts {
		got = append(got, strings.TrimSpace(p.Ecosystem+" "+p.Name+" "+p.Version))
	}
	if want := "netty-codec 4.1.94.Final, Maven g:inner 2.0, Maven o.e:app 1.0, Maven o.e:shaded 3.1"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
	if len(a.Problems) != 2 || !strings.Contains(a.Problems[0].Why, "broken.jar") || !strings.Contains(a.Problems[1].Why, "what.jar") {
		t.Errorf("%+v", a.Problems)
	}
	deep := within
	for range 6 {
		deep = archive(t, map[string]string{"lib/x.jar": deep})
	}
	bomb, left := archive(t, map[string]string{"lib/x.jar": strings.Repeat("\x00", 10_000), "lib/y.jar": within}), int64(5_000)
	f := &file{path: "bomb.jar", out: &Answer{}}
	if err := f.jar("bomb.jar", []byte(bomb), 0, &left); err != nil || len(f.out.Problems) == 0 {
		t.Errorf("%v, %+v", err, f.out)
	}
	for name, text := range map[string]string{"deep.jar": deep, "none.jar": "PK\x03\x04"} {
		if a := Read(name, []byte(text)); len(a.Problems) == 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// The test itself is a program of Go.
func TestProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(self)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, 8)
	if _, err := f.ReadAt(head, 0); err != nil || !IsProgram(head) {
		t.Fatalf("%q, %v", head, err)
	}
	a := ReadProgram("app", f)
	seen := map[string]string{}
	for _, p := range a.Parts {
		seen[p.Name] = p.Version
	}
	if len(a.Problems) > 0 || !strings.HasPrefix(seen["stdlib"], "1.") {
		t.Errorf("%+v, %+v", seen, a.Problems)
	}
	for _, text := range []string{"\x7fELF", "\x7fELF\x02\x01\x01" + strings.Repeat("\xff", 400), "MZ", ""} {
		if a := ReadProgram("x", strings.NewReader(text)); len(a.Parts) > 0 {
			t.Errorf("%q: %+v", text, a)
		}
	}
}

func FuzzProgram(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	f.Fuzz(func(_ *testing.T, data []byte) { ReadProgram("x", bytes.NewReader(data)) })
}

func FuzzRPM(f *testing.F) {
	f.Add(rpmFile(f, header("a", "1", "2", "3", "MIT", 9000)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if a := Read("var/lib/rpm/rpmdb.sqlite", data); len(a.Parts)+len(a.Problems) == 0 {
			t.Error("neither parts nor a problem")
		}
	})
}

func FuzzJar(f *testing.F) {
	f.Add([]byte(archive(f, map[string]string{"META-INF/maven/g/a/pom.properties": fmt.Sprintf(pomOf, "g", "a", "1"), "x.jar": archive(f, map[string]string{"a": "b"})})))
	f.Fuzz(func(_ *testing.T, data []byte) { Read("x.jar", data) })
}
