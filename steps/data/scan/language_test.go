package scan

import (
	"os"
	"strings"
	"testing"
)

// What the manual says is told is what is told.
func TestLanguagesAreInTheManual(t *testing.T) {
	text, err := os.ReadFile("../../../docs/data.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, l := range languages {
		names = append(names, l.name)
	}
	if want := strings.Join(names, ", "); !strings.Contains(strings.ReplaceAll(string(text), "\n", " "), want) {
		t.Errorf("docs/data.md does not list the languages that are told: %s", want)
	}
}

func TestLanguage(t *testing.T) {
	for text, want := range map[string]string{
		"Der Kunde ist mit dem Vertrag nicht zufrieden und hat bei uns angerufen.": "German", "La cliente est venue avec son mari, mais elle ne veut pas signer.": "French",
		"El cliente no está contento con el servicio y pide que se le devuelva el dinero.": "Spanish", "Il cliente non è contento della consegna e chiede che gli sia rimborsata.": "Italian",
		"O cliente não está satisfeito com a entrega e pede que seja reembolsado pela loja.": "Portuguese", "De klant heeft gebeld en is niet tevreden met het product van de winkel.": "Dutch",
		"Klient nie jest zadowolony z dostawy i prosi, że to ma być oddane przez sklep.": "Polish", "Kunden är inte nöjd med det som han har köpt och vill att vi ringer.": "Swedish",
		"Müşteri bu ürün için çok bekledi ama daha sonra bir yanıt gelmedi.":                      "Turkish",
		"The customer is not content with the delivery and asks that it be refunded to her card.": "", "I met Maria de la Cruz and Jan van der Berg at the office in Los Angeles.": "",
		"Maria de la Cruz\nJuan de la Torre\nPedro de la Vega": "", "for i in range(n): print(i, end='') if x is not None else None": "", "SELECT a, b FROM t WHERE c = 1 AND d IN (2, 3) ORDER BY e": "",
		"2026-11-29 10:00:00 INFO server started on port 8080 in 12 ms": "", "1,2,3\n4,5,6": "", "die war an man so was in am to do no": "", "": "", "const de = le + la; var es = il": "",
	} {
		if got := language([]byte(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
