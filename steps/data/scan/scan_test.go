package scan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// find writes the spans of a text as TYPE:value, which only a test may.
func find(t *testing.T, text string) []string {
	t.Helper()
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, sp := range s.Text([]byte(text)) {
		found = append(found, sp.Type+":"+text[sp.Start:sp.End])
	}
	return found
}

func TestText(t *testing.T) {
	tests := []struct {
		text string
		want string // separated by |
	}{
		{"my card is 4111 1111 1111 1111, thanks", "CREDIT_CARD:4111 1111 1111 1111"},
		{"card 4111111111111112", ""},
		{"378282246310005", "CREDIT_CARD:378282246310005"},
		{"ssn: 536-22-8726.", "US_SSN:536-22-8726"},
		{"SSN 000-22-8726", ""},
		{"IBAN DE89 3704 0044 0532 0130 00 today", "IBAN_CODE:DE89 3704 0044 0532 0130 00"},
		{"pay gb33bukb20201555555555 now", "IBAN_CODE:gb33bukb20201555555555"},
		{"mail jane.doe+x@example.co.uk.", "EMAIL_ADDRESS:jane.doe+x@example.co.uk"},
		{"john1985@mail.com", "EMAIL_ADDRESS:john1985@mail.com"},
		{"call +49 (0)30 901820 or +1-415-555-0132", "PHONE_NUMBER:+49 (0)30 901820|PHONE_NUMBER:+1-415-555-0132"},
		{"phone (415) 555-0132 ext. 12", "PHONE_NUMBER:(415) 555-0132 ext. 12"},
		{"order 20240115-0001 of 2024", ""},
		{"from 192.168.10.4 to 10.0.0.255:443", "IP_ADDRESS:192.168.10.4|IP_ADDRESS:10.0.0.255"},
		{"v1.2.3.4 and 1.2.3.4.5", ""},
		{"addr 2001:db8::ff00:42:8329 up", "IP_ADDRESS:2001:db8::ff00:42:8329"},
		{"at 13:52:06 std::vec2", ""},
		{"mac 00:1B:44:11:3A:B7", "MAC_ADDRESS:00:1B:44:11:3A:B7"},
		{"see https://example.org/a?b=1.", "URL:https://example.org/a?b=1"},
		{"born 12/03/1985", "DATE_OF_BIRTH:12/03/1985"},
		{"on 2024-01-15T10:11:12Z", "DATE_TIME:2024-01-15T10:11:12Z"},
		{"March 12, 1985", "DATE_TIME:March 12, 1985"},
		{"NINO AB 12 34 56 C", "UK_NINO:AB 12 34 56 C"},
		{"cpf 529.982.247-25", "BR_CPF:529.982.247-25"},
		{"529.982.247-25", "BR_CPF:529.982.247-25"},
		{"529.982.247-26", ""},
		{"pesel 44051401359", "PL_PESEL:44051401359"},
		{"nr 44051401359", ""},
		{"Henkilötunnus 131052-308T", "FI_PERSONAL_IDENTITY_CODE:131052-308T"},
		{"codice fiscale RSSMRA85T10A562S", "IT_FISCAL_CODE:RSSMRA85T10A562S"},
		{"VIN 1M8GDM9AXKP042788", "VIN_NUMBER:1M8GDM9AXKP042788"},
		{`{"nhsNumber": "943 476 5919"}`, "UK_NHS:943 476 5919"},
		{"HKID: A123456(3)", "HK_ID_CARD:A123456(3)"},
		{"btc 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
		{"pay bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "CRYPTO:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		{"diagnosis: E11.9", "ICD10_CODE:E11.9"},
		{"MRN 00456789", "MEDICAL_RECORD_NUMBER:00456789"},
		{"lat: 52.520008, lon: -13.404954", "COORDINATES:52.520008|COORDINATES:-13.404954"},
		{"Umsatzsteuer-ID: DE136695976", "EU_VAT:DE136695976"},
		{"P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10",
			"PASSPORT_MRZ:P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10"},
		{"id 123e4567-e89b-12d3-a456-426614174000", ""},
	}
	for _, tt := range tests {
		got := strings.Join(find(t, tt.text), "|")
		if got != tt.want {
			t.Errorf("%q:\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}

// Keys in this test are put together from halves, so that no scanner of
// repositories takes them for somebody's.
func TestSecrets(t *testing.T) {
	r := "Zk3Qx9Lm2Vb7Nc5Tq8Wd1Rf6Hg4Js0Yp" // 32 characters
	tests := []struct{ text, want string }{
		{"AWS_ACCESS_KEY_ID=AKI" + "AQ3EGRXW5LJ7VT2NM", "SECRET_AWS_ACCESS_KEY"},
		{"token ghp_" + r + "aB3d", "SECRET_GITHUB_PAT"},
		{"hf_" + r + "ab", "SECRET_HUGGINGFACE_TOKEN"},
		{"sk-ant-" + "api03-" + r + r + r[:29] + "AA", "SECRET_ANTHROPIC_KEY"},
		{"key: sk-" + "proj-" + r + r, "SECRET_OPENAI_KEY"},
		{"xox" + "b-123456789012-1234567890123-" + r[:24], "SECRET_SLACK_BOT"},
		{"AIz" + "a" + r + "Q2w", "SECRET_GCP_API_KEY"},
		{"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U", "SECRET_JWT"},
		{"-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat(r+"\n", 4) + "-----END RSA PRIVATE KEY-----", "SECRET_PRIVATE_KEY"},
		{`password = "` + r[:18] + `"`, "SECRET_GENERIC"},
		{"postgres://app:s3cr3tPw@db.internal:5432/x", "SECRET_URL_PASSWORD"},
		{"postgres://app:${PASSWORD}@db.internal:5432/x", "URL"},
		{"https://hooks.slack.com/services/T00000000/B00000000/" + r[:24], "SECRET_SLACK_WEBHOOK"},
		{"commit 9fceb02d0ae598e95dc970b74767f19372d61af8", ""},
		{"token = getToken(user2, key3)", ""},
		{`api_key = "your-api-key-12345"`, ""},
		{"datadog_api_key: " + "3f9a1c77d2e84b06a5d1c9e0b7f24816", "SECRET_DATADOG_KEY"},
	}
	for _, tt := range tests {
		types := []string{}
		for _, f := range find(t, tt.text) {
			types = append(types, strings.SplitN(f, ":", 2)[0])
		}
		if got := strings.Join(types, "|"); got != tt.want {
			t.Errorf("%.40q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestEntitiesCoverTheWorld(t *testing.T) {
	types, countries := 0, map[string]bool{}
	for _, e := range scan.Entities() {
		types++
		if e.Country != "" {
			countries[e.Country] = true
		}
		if e.Group == "" || e.Sensitivity == "" {
			t.Errorf("%s has no group or sensitivity", e.Name)
		}
	}
	if types < 60+100 || len(countries) < 40 {
		t.Errorf("%d types of %d countries", types, len(countries))
	}
}

func TestRunesCountsCodePoints(t *testing.T) {
	text := []byte("żółw 4111 1111 1111 1111")
	s, _ := scan.New(scan.Options{})
	spans := s.Text(text)
	scan.Runes(text, spans)
	if diff := cmp.Diff([]int{5, 24}, []int{spans[0].Start, spans[0].End}); diff != "" {
		t.Error(diff)
	}
}

func TestCustomRulesProveThemselves(t *testing.T) {
	good := scan.Rule{Name: "STAFF_ID", Pattern: `\bE-\d{5}\b`, Hits: []string{"E-12345"}, Misses: []string{"E-1234"}}
	s, err := scan.New(scan.Options{Custom: []scan.Rule{good}})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Text([]byte("ask E-54321")); len(got) != 1 || got[0].Type != "STAFF_ID" {
		t.Errorf("got %v", got)
	}
	for _, bad := range []scan.Rule{
		{Name: "A", Pattern: "a+", Hits: []string{"b"}, Misses: []string{"c"}},
		{Name: "A", Pattern: "a+", Hits: []string{"a"}, Misses: []string{"cab"}},
		{Name: "A", Pattern: "a+"},
		{Name: "A", Pattern: "a*", Hits: []string{"a"}, Misses: []string{"b"}},
		{Name: "A", Pattern: "a(", Hits: []string{"a"}, Misses: []string{"b"}},
		{Name: "US_SSN", Pattern: "a", Hits: []string{"a"}, Misses: []string{"b"}},
	} {
		if _, err := scan.New(scan.Options{Custom: []scan.Rule{bad}}); err == nil {
			t.Errorf("%+v was accepted", bad)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("card 4111 1111 1111 1111 +49 (0)30 9018 DE89370400440532013000 a@b.co ::1 P<<"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----xx-----END 1://2@3"))
	f.Add([]byte("eyJ1.ey2. 12:34:56:78::9 0x1 \\n<<1<"))
	s, err := scan.New(scan.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		end := 0
		for _, sp := range s.Text(b) {
			if sp.Start < end || sp.End <= sp.Start || sp.End > len(b) || sp.Score < .5 || sp.Score > 1 || sp.Type == "" || sp.Reason == "" {
				t.Fatalf("span %+v after %d of %d", sp, end, len(b))
			}
			end = sp.End
		}
	})
}
