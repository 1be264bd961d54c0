package check_test

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/check"
)

// functions are those the outside oracle has a word on, by the names the file
// of its answers uses.
var functions = map[string]func([]byte) bool{
	"SSN": check.SSN, "ITIN": check.ITIN, "EIN": check.EIN, "ABA": check.ABA, "SIN": check.SIN, "CPF": check.CPF,
	"CNPJ": check.CNPJ, "RUT": check.RUT, "CURP": check.CURP, "CUIT": check.CUIT, "NIT": check.NIT,
	"CedulaEC": check.CedulaEC, "RUC": check.RUC, "CedulaDO": check.CedulaDO, "NHS": check.NHS, "UTR": check.UTR,
	"SteuerID": check.SteuerID, "NIR": check.NIR, "SIREN": check.SIREN, "SIRET": check.SIRET, "SPI": check.SPI,
	"DNI": check.DNI, "NIE": check.NIE, "CIF": check.CIF, "FiscalCode": check.FiscalCode,
	"PartitaIVA": check.PartitaIVA, "PESEL": check.PESEL, "NIP": check.NIP, "REGON": check.REGON, "BSN": check.BSN,
	"NationalBE": check.NationalBE, "AHV": check.AHV, "UID": check.UID, "SVNR": check.SVNR, "CNP": check.CNP,
	"Personnummer": check.Personnummer, "Fodselsnummer": check.Fodselsnummer, "Kennitala": check.Kennitala,
	"OIB": check.OIB, "EGN": check.EGN, "TCKN": check.TCKN, "AMKA": check.AMKA, "AFM": check.AFM,
	"NIFPT": check.NIFPT, "CitizenCardPT": check.CitizenCardPT, "RodneCislo": check.RodneCislo, "PPSN": check.PPSN,
	"Isikukood": check.Isikukood, "PersonasKods": check.PersonasKods, "RNTRC": check.RNTRC, "INN": check.INN,
	"Aadhaar": check.Aadhaar, "PAN": check.PAN, "EPIC": check.EPIC, "GSTIN": check.GSTIN, "TFN": check.TFN,
	"ABN": check.ABN, "ACN": check.ACN, "IRD": check.IRD, "RRN": check.RRN, "ResidentCN": check.ResidentCN,
	"TNIN": check.TNIN, "IsraelID": check.IsraelID, "SouthAfricaID": check.SouthAfricaID, "MyKad": check.MyKad,
	"IMEI": check.IMEI, "ISIN": check.ISIN, "LEI": check.LEI, "CNIC": check.CNIC, "HETU": check.HETU,
	"BIC": check.BIC, "RFC": check.RFC, "Card": check.Card, "IBAN": check.IBAN,
	"VAT": check.VAT,
}

// The file was written by testdata/ask_stdnum.py: numbers, half of them with one
// place changed, and what python-stdnum says of each.
func TestAgainstStdnum(t *testing.T) {
	f, err := os.Open("testdata/stdnum.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]int{}
	for in := bufio.NewScanner(f); in.Scan(); {
		name, rest, _ := strings.Cut(in.Text(), " ")
		word, number, _ := strings.Cut(rest, " ")
		fn := functions[name]
		if fn == nil {
			t.Fatalf("no function for %s", name)
		}
		seen[name]++
		if got, want := fn([]byte(number)), word == "valid"; got != want {
			t.Errorf("%s(%s) = %v, python-stdnum says %v", name, number, got, want)
		}
	}
	for name := range functions {
		if seen[name] < 12 {
			t.Errorf("%s: only %d numbers", name, seen[name])
		}
	}
}

// What the oracle lacks is held against published examples.
func TestPublishedExamples(t *testing.T) {
	tests := []struct {
		name string
		fn   func([]byte) bool
		yes  string
		no   string
	}{
		{"NPI", check.NPI, "1234567893", "1234567890"},
		{"DEA", check.DEA, "AB1234563", "AB1234560"},
		{"MBI", check.MBI, "1EG4TE5MK73", "1EG4TE5SK73"},
		{"VIN", check.VIN, "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"},
		{"NINO", check.NINO, "AA123456C", "QQ123456C"},
		{"DriverGB", check.DriverGB, "MORGA657054SM9IJ", "MORGA693054SM9IJ"},
		{"RVNR", check.RVNR, "15070649C103", "15070649C104"},
		{"KVNR", check.KVNR, "A123456780", "A123456781"},
		{"IDCardDE", check.IDCardDE, "T220001293", "T220001294"},
		{"IDCardPL", check.IDCardPL, "ABA300000", "ABA400000"},
		{"JMBG", check.JMBG, "0101006500006", "0101006500007"},
		{"TAJ", check.TAJ, "123456788", "123456789"},
		{"TaxHU", check.TaxHU, "8071592153", "8071592154"},
		{"SNILS", check.SNILS, "11223344595", "11223344596"},
		{"MedicareAU", check.MedicareAU, "2123456701", "2123456711"},
		{"NHI", check.NHI, "ZAC5361", "ZAC5362"},
		{"NRIC", check.NRIC, "S1234567D", "S1234567A"},
		{"MyNumber", check.MyNumber, "123456789018", "123456789012"},
		{"NationalTW", check.NationalTW, "A123456789", "A123456788"},
		{"IDCardHK", check.IDCardHK, "A1234563", "A1234567"},
		{"NIK", check.NIK, "3171234507890001", "3171233267890123"},
		{"EmiratesID", check.EmiratesID, "784197912345671", "784197912345677"},
		{"CivilKW", check.CivilKW, "286101912304", "286101912305"},
		{"NationalEG", check.NationalEG, "29001011234567", "29013011234567"},
		{"OHIP", check.OHIP, "1234567897", "1234567890"},
		{"CedulaUY", check.CedulaUY, "12345672", "12345671"},
	}
	for _, tt := range tests {
		if !tt.fn([]byte(tt.yes)) {
			t.Errorf("%s(%s) = false", tt.name, tt.yes)
		}
		if tt.fn([]byte(tt.no)) {
			t.Errorf("%s(%s) = true", tt.name, tt.no)
		}
	}
}

// Whatever lies in a file reaches these functions: none may panic.
func FuzzCheck(f *testing.F) {
	f.Add([]byte("DE89370400440532013000"))
	f.Add([]byte("A"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for i, c := range b {
			b[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[int(c)%36]
		}
		if len(b) == 0 {
			return
		}
		for _, fn := range functions {
			fn(b)
		}
	})
}
