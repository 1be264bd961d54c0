package scan

import (
	"bytes"
	"strings"
)

// languages are those in Latin letters, other than English, by words that hold their
// sentences together and are neither English nor of program text.
var languages = []struct{ name, words string }{
	{"German", "der und ist nicht das mit den von für sich auch auf dem wurde eine einen einem einer zum zur wird ich wir sie haben hat bei nach aber oder noch über seit dass ihr ihre"},
	{"French", "le la les des est une dans que qui pas pour avec sur son ses au aux nous vous ils elle mais cette ont été être du et je ne se leur depuis"},
	{"Spanish", "el la los las una que por con para del está es se su sus pero como más fue son muy también desde sobre y nos ha han este esta mi cuando"},
	{"Italian", "il la che di per una con non è sono del della dei delle gli nel nella alla si ma anche come più dal ha hanno questo questa da le lo"},
	{"Portuguese", "o os as que uma com para não é do da dos das em por se mas como mais foi pelo pela ao também são seu sua está no na ele ela"},
	{"Dutch", "het een van en niet dat zijn op te voor met de aan ook maar bij naar wordt werd heeft hij zij deze dit uit nog wel geen ik wij haar"},
	{"Polish", "nie się jest na że z do to jak ale przez dla po od są był była oraz ma jego jej tym tego które który pani w i za o przy czy już"},
	{"Swedish", "och att det som är på för inte med av till den har jag ett om vi han hon men var från kan ska eller när sig efter vid"},
	{"Danish", "og at det er på ikke til af den som har jeg med et for vi han hun men fra kan skal eller når sig efter ved blev også"},
	{"Norwegian", "og at det er på ikke til av den som har jeg med et for vi han hun men fra kan skal eller når seg etter ved ble også"},
	{"Finnish", "ja on ei että hän se oli ovat mutta kun myös olen sen joka minä tämä niin vain ole mukaan kuin jos hänen sekä"},
	{"Turkish", "ve bir bu için ile de da çok ne daha olarak gibi ama var değil olan sonra kadar ben en mi ancak göre"},
	{"Czech", "je se na že to s z v do jako ale pro po od jsem jsou byl byla není také který která o k by už při i"},
	{"Romanian", "și în este nu la cu de pe care din pentru un o că sunt mai a fost dar sau prin după am are cel ale"},
	{"Hungarian", "és a az hogy nem is egy ez van volt de csak már meg vagy ha mint még el azt be után lehet kell"},
	{"Indonesian", "yang dan di untuk dengan ini itu dari pada tidak akan ke adalah dalam juga oleh sudah saya kami karena telah"},
	{"Vietnamese", "của và là có không được cho trong một những với các người này đã tôi để khi"},
}

// english are words that hold English sentences together.
const english = "the and of to in is that for with was on it as are this be not have from by at or you we they his her has had will would been which their i a an"

// tongues are the languages of each such word, a bit each; bit 0 is English.
var tongues = func() map[string]uint32 {
	out := map[string]uint32{}
	for _, w := range strings.Fields(english) {
		out[w] |= 1
	}
	for i, l := range languages {
		for _, w := range strings.Fields(l.words) {
			out[w] |= 2 << i
		}
	}
	return out
}()

// minTongue is how many different words of a language tell it: two stand in names too (de la
// Cruz, van der Berg).
const minTongue = 3

// minWords is the shortest text that is told: below it a line of a program may look like one.
const minWords = 8

// language is the language of a text in Latin letters that is not English, empty where it is
// English or there is too little to tell.
func language(b []byte) string {
	var hits, kinds [32]int
	seen := map[string]bool{}
	words := 0
	for _, w := range bytes.FieldsFunc(b, func(c rune) bool { return c < 'A' || c > 'Z' && c < 'a' || c > 'z' && c < 0xc0 }) {
		words++
		if len(w) > 12 {
			continue
		}
		w = bytes.ToLower(w)
		bits, ok := tongues[string(w)]
		if !ok {
			continue
		}
		first := !seen[string(w)]
		seen[string(w)] = true
		for i := 0; i <= len(languages); i++ {
			if bits>>i&1 != 0 {
				hits[i]++
				if first {
					kinds[i]++
				}
			}
		}
	}
	best := 1
	for i := 2; i <= len(languages); i++ {
		if hits[i] > hits[best] || hits[i] == hits[best] && kinds[i] > kinds[best] {
			best = i
		}
	}
	if words < minWords || kinds[best] < minTongue || hits[best]*6 < words || hits[best] <= 2*hits[0] {
		return ""
	}
	return languages[best-1].name
}

// tongue is the first language other than English among a column's texts that were kept.
func (c *Column) tongue() string {
	for _, kept := range [][][]byte{c.sample, c.chats} {
		for _, b := range kept {
			if l := language(b); l != "" {
				return l
			}
		}
	}
	return ""
}
