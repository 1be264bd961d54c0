package scan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func tokenOf(class byte, n int, r *rand.Rand) string {
	var alphabet []byte
	for c := byte(33); c < 127; c++ {
		if inClass(c, class) && c != '=' && c != '.' && c != '~' && c != '-' && c != '_' && c != '/' && c != '+' {
			alphabet = append(alphabet, c)
		}
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	// A key without a digit is rarer than a failing test may be.
	b[n/2], b[n/3] = '7', '4'
	return string(b)
}

// Every rule of the table finds a key made by it, and not one that is three
// characters short.
func TestEverySecretRuleProvesItself(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	has := func(text, entity string) (bool, string) {
		all := ""
		for _, sp := range s.Text([]byte(text)) {
			if sp.Type == entity {
				return true, ""
			}
			all += " " + sp.Type
		}
		return false, all
	}
	tested := 0
	for _, rule := range secretRules() {
		if rule.class == 0 {
			continue
		}
		tested++
		hits, n := 0, 20
		var instead string
		for range n {
			token := rule.prefix + tokenOf(rule.class, rule.least, r)
			name := "api_key"
			if rule.prefix == "" {
				w := strings.Fields(rule.words)
				name = w[0] + "_secret_key"
			}
			if ok, all := has(fmt.Sprintf("%s = \"%s\"\n", name, token), rule.entity); ok {
				hits++
			} else {
				instead = all
			}
			if rule.prefix != "" && rule.least > 16 {
				short := token[:len(token)-3]
				if ok, _ := has("value "+short+" end", rule.entity); ok && rule.least == rule.most {
					t.Errorf("%s finds a key that is too short", rule.entity)
				}
			}
		}
		if hits < n-1 {
			t.Errorf("%s (%s…) finds %d of %d, instead:%s", rule.entity, rule.prefix, hits, n, instead)
		}
	}
	if tested < 250 {
		t.Errorf("only %d rules", tested)
	}
}

// A key that by chance holds no digit is found by its prefix all the same; a name of
// words that begins as one is none.
func TestKeysWithoutADigit(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"my key sk_live_ZxjIwELoDAWX" + "eKohAVocGdJi, thanks":          "SECRET_STRIPE_KEY",
		`{"key": "rk_test_UuabvpaPUYyC` + `MRqSCZyJOClV"}`:              "SECRET_STRIPE_KEY",
		"x glpat-QwErTyUiOpAsDfGhJkLz here":                             "SECRET_GITLAB_PAT",
		"HF_TOKEN=hf_QwErTyUiOpAsDf" + "GhJkLzXcVbNmQwErTyUi":           "SECRET_HUGGINGFACE_TOKEN",
		"AKIAQWERTZUIOPAS" + "DFGH":                                     "SECRET_AWS_ACCESS_KEY",
		"see sk_live_PublishableConfiguration in the code":              "",
		"fw_allWordsOfOneLongNameHere = 1":                              "",
		"the api-documentation-for-developers-of-this":                  "",
		"hf_tokenizers_parallelism_is_set_by_default":                   "",
		"my_sk_live_ZxjIwELoDAWX" + "eKohAVocGdJi":                      "",
		"sk_live_ZxjIwELoDAWX" + "eKohAVocGdJi-and-more-of-a-long-name": "",
	} {
		got := ""
		for _, sp := range s.Text([]byte(text)) {
			got += sp.Type
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Every key of Hugging Face's, which are 34 letters, is found, however big and small
// ones fall; and all but a few in a thousand of Stripe's without a digit.
func TestKeysOfLettersOnly(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	r := rand.New(rand.NewPCG(15, 16))
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		prefix, want string
		length, most int // of 2,000 may be missed
	}{{"hf_", "SECRET_HUGGINGFACE_TOKEN", 34, 0}, {"sk_live_", "SECRET_STRIPE_KEY", 24, 20}} {
		missed := 0
		for range 2000 {
			key := make([]byte, tt.length)
			for i := range key {
				key[i] = letters[r.IntN(len(letters))]
			}
			if got := s.Text([]byte("its key is " + tt.prefix + string(key) + ", keep it")); len(got) != 1 || got[0].Type != tt.want {
				missed++
			}
		}
		if missed > tt.most {
			t.Errorf("%s: %d of 2,000 missed", tt.prefix, missed)
		}
	}
}
