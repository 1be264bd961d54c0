package scan

import (
	"slices"
	"sync"

	"github.com/sevenfold-sec/sevenfold/steps/data/scan/check"
)

// The rows of the catalogue. A shape is written with 9 for a digit, A for a
// letter, X for either, _ for a space, ~ for an optional separator that is the
// same all through (none, space, hyphen, point), and other characters as
// themselves; shapes are parted by spaces.
// Strong shapes are accepted alone at the score given; plain ones need one of
// the words nearby, or a column.
const nine, ten, eleven, twelve, thirteen = "999999999", "9999999999", "99999999999", "999999999999", "9999999999999"

func financeTable() []Entity {
	return []Entity{
		{Name: "CREDIT_CARD", Group: PCI, Sensitivity: High, Chance: .038, check: check.Card, alone: .8,
			strong: ten + "999999 9999~9999~9999~9999 9999~999999~99999 9999~999999~9999 99999999999999 999999999999999 9999999999999999999 9999_9999_9999_9999_999",
			plain:  "999999999999 9999999999999 99999999999999999 999999999999999999",
			words:  "card cards credit creditcard cc ccn debit visa mastercard amex discover maestro diners jcb pan karte kreditkarte carte tarjeta cardnumber payment charge charged pay"},
		{Name: "ABA_ROUTING_NUMBER", Country: "US", Group: Financial, Sensitivity: Medium, Chance: .04, check: check.ABA,
			plain: nine + " 9999-9999-9", words: "routing aba rtn transit wire ach"},
		{Name: "US_BANK_NUMBER", Country: "US", Group: Financial, Sensitivity: High, Chance: 1,
			plain: "99999999 " + nine + " " + ten + " " + eleven + " " + twelve + " " + thirteen + " 99999999999999 999999999999999 9999999999999999 99999999999999999",
			words: "bank account acct checking savings konto kontonummer"},
		{Name: "UK_SORT_CODE", Country: "GB", Group: Financial, Sensitivity: Medium, Chance: .99, check: check.SortCode,
			plain: "99-99-99 999999", words: "sort sortcode"},
		{Name: "SWIFT_BIC", Group: Financial, Sensitivity: Low, Chance: .14, check: check.BIC,
			plain: "AAAAAAXX", words: "swift bic"},
		{Name: "LEI_CODE", Group: Financial, Sensitivity: Low, Chance: .01, check: check.LEI, chunks: "20", alone: .3, words: "lei entity"},
		{Name: "ISIN_CODE", Group: Financial, Sensitivity: Low, Chance: .1, check: check.ISIN,
			plain: "AA9999999999", words: "isin security securities"},
		{Name: "VIN_NUMBER", Group: PII, Sensitivity: Medium, Chance: .09, check: check.VIN, chunks: "17", words: "vin vehicle chassis car fahrgestellnummer"},
		{Name: "IMEI_NUMBER", Group: PII, Sensitivity: Medium, Chance: .02, check: check.IMEI,
			plain: "999999999999999 99-999999-999999-9", words: "imei device handset"},
	}
}

func americasTable() []Entity {
	return []Entity{
		{Name: "US_SSN", Country: "US", Group: PII, Sensitivity: High, Chance: .88, check: check.SSN, alone: .75,
			strong: "999-99-9999", plain: "999999999 999_99_9999 999.99.9999", words: "ssn ssns social security socialsecurity socsec"},
		{Name: "US_ITIN", Country: "US", Group: PII, Sensitivity: High, Chance: .04, check: check.ITIN, alone: .75,
			strong: "999-99-9999", plain: "999999999 999_99_9999", words: "itin taxpayer tin individual tax"},
		{Name: "US_EIN", Country: "US", Group: Financial, Sensitivity: Low, Chance: .83, check: check.EIN,
			plain: "99-9999999", words: "ein fein employer irs"},
		{Name: "US_PASSPORT", Country: "US", Group: PII, Sensitivity: High, Chance: 1,
			plain: "999999999 A99999999", words: "passport passports travel"},
		{Name: "US_DRIVER_LICENSE", Country: "US", Group: PII, Sensitivity: High, Chance: 1,
			plain: "A9999999 A99999999 A999999999999 A99999999999999 9999999 99999999 A9999-99999-99999 9999-99-9999 A999-9999-9999 AA999999 A999999 A9999999999999",
			words: "driver drivers license licence dl dln driving"},
		{Name: "US_NPI", Country: "US", Group: PHI, Sensitivity: Medium, Chance: .02, check: check.NPI,
			plain: ten, words: "npi provider prescriber physician"},
		{Name: "MEDICAL_LICENSE", Country: "US", Group: PHI, Sensitivity: Medium, Chance: .07, check: check.DEA,
			plain: "AA9999999 A99999999", words: "dea medical prescriber certificate registration"},
		{Name: "US_MBI", Country: "US", Group: PHI, Sensitivity: High, Chance: .3, check: check.MBI, alone: .6,
			strong: "9AX9-AX9-AA99", plain: "9AX9AX9AA99",
			words: "mbi medicare beneficiary hicn"},
		{Name: "CA_SIN", Country: "CA", Group: PII, Sensitivity: High, Chance: .08, check: check.SIN, alone: .45,
			strong: "999-999-999", plain: "999999999 999_999_999", words: "sin insurance nas assurance sociale canada canadian"},
		{Name: "CA_HEALTH_NUMBER", Country: "CA", Group: PHI, Sensitivity: High, Chance: .09, check: check.OHIP,
			plain: "9999~999~999 9999999999AA 9999-999-999-AA", words: "ohip health healthcard ontario hcn"},
		{Name: "BR_CPF", Country: "BR", Group: PII, Sensitivity: High, Chance: .01, check: check.CPF, alone: .95,
			strong: "999.999.999-99", plain: eleven + " 999999999-99", words: "cpf contribuinte cadastro"},
		{Name: "BR_CNPJ", Country: "BR", Group: Financial, Sensitivity: Low, Chance: .01, check: check.CNPJ, alone: .95,
			strong: "99.999.999/9999-99", plain: "99999999999999", words: "cnpj empresa"},
		{Name: "CL_RUT", Country: "CL", Group: PII, Sensitivity: High, Chance: .09, check: check.RUT, alone: .8,
			strong: "99.999.999-X 9.999.999-X", plain: "99999999-X 9999999-X 99999999X", words: "rut run chile rol"},
		{Name: "MX_CURP", Country: "MX", Group: PII, Sensitivity: High, Chance: .01, check: check.CURP, alone: .9,
			strong: "AAAA999999AAAAAAX9", words: "curp clave poblacion"},
		{Name: "MX_RFC", Country: "MX", Group: PII, Sensitivity: High, Chance: .03, check: check.RFC, alone: .55,
			strong: "AAAA999999AA9 AAAA999999A9A AAAA9999999A9 AAAA999999A99 AAAA99999999A AAAA9999999AA AAAA999999999 AAAA999999AAA",
			words:  "rfc contribuyentes fiscal"},
		{Name: "AR_CUIT", Country: "AR", Group: PII, Sensitivity: High, Chance: .009, check: check.CUIT, alone: .6,
			strong: "99-99999999-9", plain: eleven, words: "cuit cuil argentina"},
		{Name: "CO_NIT", Country: "CO", Group: PII, Sensitivity: Medium, Chance: .09, check: check.NIT, alone: .6,
			strong: "999.999.999-9", plain: "999999999-9 9999999999", words: "nit colombia tributaria"},
		{Name: "EC_CEDULA", Country: "EC", Group: PII, Sensitivity: High, Chance: .018, check: check.CedulaEC,
			plain: ten + " 999999999-9", words: "cedula ecuador ci"},
		{Name: "PE_RUC", Country: "PE", Group: PII, Sensitivity: Medium, Chance: .005, check: check.RUC,
			plain: eleven, words: "ruc peru sunat"},
		{Name: "UY_CEDULA", Country: "UY", Group: PII, Sensitivity: High, Chance: .09, check: check.CedulaUY, alone: .6,
			strong: "9.999.999-9", plain: "9999999-9 99999999", words: "cedula uruguay ci"},
		{Name: "DO_CEDULA", Country: "DO", Group: PII, Sensitivity: High, Chance: .04, check: check.CedulaDO, alone: .5,
			strong: "999-9999999-9", plain: eleven, words: "cedula dominicana"},
	}
}

func healthTable() []Entity {
	return []Entity{
		{Name: "MEDICAL_RECORD_NUMBER", Group: PHI, Sensitivity: High, Chance: 1,
			plain: "999999 9999999 99999999 999999999 9999999999 AA999999 AA9999999 A9999999 999-999-999 99-99-99 999-99-99",
			words: "mrn medicalrecord chart patientid"},
		{Name: "ICD10_CODE", Group: PHI, Sensitivity: Medium, Chance: 1, check: icd10,
			plain: "A99 A99.9 A99.99 A99.999 A99.9X A99.99X A9A.9 A99.999A A99.99AA A99.9AAA A99.AAAA",
			words: "icd diagnosis diagnoses diagnosed icd10"},
	}
}

// icd10 is a code of the tenth international classification of diseases: a
// letter and two places, then up to four more; U is kept for provisional codes.
func icd10(b []byte) bool {
	return len(b) >= 3 && len(b) <= 7 && b[0] >= 'A' && b[0] <= 'Z' && b[1] <= '9'
}

// Types found by their own code, and by the neural model.
func ownTable() []Entity {
	return []Entity{
		{Name: "EMAIL_ADDRESS", Group: PII, Sensitivity: Medium, Chance: 1e-6, words: "email mail"},
		{Name: "PHONE_NUMBER", Group: PII, Sensitivity: Medium, Chance: 1,
			words: "phone phones telephone tel mobile cell cellphone call calling callback fax whatsapp sms contact reach dial ring landline telefon telefono tlf handy msisdn text phonenumber phoned hotline office answering answer message messages messaging texted"},
		{Name: "IP_ADDRESS", Group: Technical, Sensitivity: Low, Chance: 1e-3, words: "ip ipv"},
		{Name: "MAC_ADDRESS", Group: Technical, Sensitivity: Low, Chance: 1e-6, words: "mac ethernet bssid"},
		{Name: "URL", Group: Technical, Sensitivity: Low, Chance: 1e-6, words: "url link"},
		{Name: "DATE_TIME", Group: PII, Sensitivity: Low, Chance: .1, words: ""},
		{Name: "DATE_OF_BIRTH", Group: PII, Sensitivity: High, Chance: .1,
			words: "dob birth birthday birthdate born geburtsdatum geboren nacimiento naissance dateofbirth"},
		{Name: "IBAN_CODE", Group: Financial, Sensitivity: High, Chance: 1e-5, check: check.IBAN, alone: .95, words: "iban bank account konto transfer"},
		{Name: "EU_VAT", Group: Financial, Sensitivity: Low, Chance: .05, words: "vat ust ustid mwst tva iva btw moms umsatzsteuer vies"},
		{Name: "CRYPTO", Group: Financial, Sensitivity: Medium, Chance: 1e-9, words: "wallet bitcoin btc eth ethereum crypto address"},
		{Name: "PASSPORT_MRZ", Group: PII, Sensitivity: High, Chance: 1e-6, words: "mrz passport"},
		{Name: "COORDINATES", Group: PII, Sensitivity: Medium, Chance: 1e-2, words: "lat lon latitude longitude gps coordinates"},
		{Name: "PASSWORD", Group: Credentials, Sensitivity: High, Chance: 1, words: "password passwd pwd passphrase passcode"},
		{Name: "PERSON", Group: PII, Sensitivity: Medium, Chance: 1, words: "firstname lastname fullname surname"},
		{Name: "LOCATION", Group: PII, Sensitivity: Medium, Chance: 1, words: "street city zipcode postcode postal"},
		{Name: "ORGANIZATION", Group: PII, Sensitivity: Low, Chance: 1, words: "company organisation organization employer"},
	}
}

var catalogue = sync.OnceValue(func() []Entity {
	return slices.Concat(ownTable(), financeTable(), americasTable(), europeTable(), eastTable(), healthTable())
})

var byName = sync.OnceValue(func() map[string]Entity {
	m := map[string]Entity{}
	for _, e := range catalogue() {
		m[e.Name] = e
	}
	for _, g := range secretRules() {
		if _, ok := m[g.entity]; !ok {
			m[g.entity] = Entity{Name: g.entity, Group: Credentials, Sensitivity: High, Chance: 1e-12}
		}
	}
	return m
})
