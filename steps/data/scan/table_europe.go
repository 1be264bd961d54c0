package scan

import "github.com/sevenfold-sec/sevenfold/steps/data/scan/check"

// europeTable holds the identifiers of European states.
func europeTable() []Entity {
	pii := func(name, country string, fn func([]byte) bool, chance, alone float64, strong, plain, words string) Entity {
		return Entity{Name: name, Country: country, Group: PII, Sensitivity: High, Chance: chance, check: fn, alone: alone,
			strong: strong, plain: plain, words: words}
	}
	health := func(e Entity) Entity { e.Group = PHI; return e }
	mixed := func(lengths string, e Entity) Entity { e.chunks = lengths; return e }
	raw := func(e Entity) Entity { e.raw = true; return e }
	return []Entity{
		health(pii("UK_NHS", "GB", check.NHS, .09, 0, "", "999~999~9999", "nhs national health service patient")),
		pii("UK_NINO", "GB", check.NINO, .1, .8, "AA999999A AA~99~99~99~A", "AA_999999_A", "nino insurance ni national"),
		pii("UK_UTR", "GB", check.UTR, .09, 0, "", ten+" 99999~99999", "utr taxpayer hmrc unique"),
		pii("UK_DRIVER_LICENSE", "GB", check.DriverGB, .08, .8, "AAAAA999999AA9AA AAAAA999999AAAAA AAAAA999999A99AA AAAA9999999AA9AA AAAA9999999A99AA AAAA9999999AAAAA", "", "driver driving licence license dvla"),
		pii("UK_PASSPORT", "GB", nil, 1, 0, "", nine, "passport hmpo"),
		pii("DE_TAX_ID", "DE", check.SteuerID, .01, .55, "99_999_999_999", eleven, "steuer steuerid idnr identifikationsnummer steueridentifikationsnummer steuernummer tin tax"),
		pii("DE_SOCIAL_SECURITY", "DE", check.RVNR, .01, .75, "99999999A999 99_999999_A_999 99_999999_A999", "", "rentenversicherung rentenversicherungsnummer sozialversicherungsnummer sozialversicherung rvnr svnr"),
		health(pii("DE_HEALTH_INSURANCE", "DE", check.KVNR, .1, 0, "", "A999999999", "kvnr krankenversicherung krankenversichertennummer versichertennummer krankenkasse")),
		mixed("10", pii("DE_ID_CARD", "DE", check.IDCardDE, .1, 0, "", "", "personalausweis ausweis ausweisnummer reisepass pass perso")),
		pii("FR_NIR", "FR", check.NIR, .001, .85, "9_99_99_99_999_999_99 9_99_99_9A_999_999_99 999999A99999999 9999999999999_99", "999999999999999", "nir sécurité sociale securite insee secu"),
		pii("FR_SPI", "FR", check.SPI, .0008, 0, "", "99_99_999_999_999 9999999999999", "fiscal spi impots impôts numéro numero"),
		pii("FR_SIREN", "FR", check.SIREN, .1, 0, "", "999~999~999", "siren entreprise"),
		pii("FR_SIRET", "FR", check.SIRET, .01, .5, "999_999_999_99999", "99999999999999", "siret etablissement entreprise"),
		pii("ES_NIF", "ES", check.DNI, .04, .6, "99.999.999-A 99999999-A 99999999A", "99999999_A", "dni nif documento identidad nacional"),
		pii("ES_NIE", "ES", check.NIE, .005, .75, "A9999999A A-9999999-A", "A-9999999A", "nie extranjero extranjeros"),
		pii("ES_CIF", "ES", check.CIF, .12, 0, "", "A99999999 A9999999A A-99999999", "cif empresa sociedad"),
		mixed("16", pii("IT_FISCAL_CODE", "IT", check.FiscalCode, .01, .9, "AAAAAA99A99A999A", "", "codice fiscale cf codicefiscale fiscal")),
		pii("IT_VAT_CODE", "IT", check.PartitaIVA, .01, 0, "", eleven, "partita iva piva vat"),
		pii("IT_IDENTITY_CARD", "IT", nil, 1, 0, "", "AA9999999 AA99999AA 9999999AA", "carta identità identita identity cie documento"),
		pii("IT_PASSPORT", "IT", nil, 1, 0, "", "AA9999999", "passaporto passport"),
		pii("IT_DRIVER_LICENSE", "IT", nil, 1, 0, "", "AA9999999A AX9999999A", "patente guida driver driving license"),
		pii("PL_PESEL", "PL", check.PESEL, .03, 0, "", eleven, "pesel"),
		pii("PL_NIP", "PL", check.NIP, .09, 0, "", ten+" 999-999-99-99 999-99-99-999", "nip podatkowy"),
		pii("PL_REGON", "PL", check.REGON, .09, 0, "", nine, "regon"),
		pii("PL_ID_CARD", "PL", check.IDCardPL, .1, 0, "", "AAA999999 AAA_999999", "dowód dowod osobisty dowodu identity"),
		pii("NL_BSN", "NL", check.BSN, .09, 0, "", "999999999 9999.99.999 999~99~9999", "bsn burgerservicenummer sofinummer sofi burger"),
		pii("BE_NATIONAL_NUMBER", "BE", check.NationalBE, .007, .9, "99.99.99-999.99", eleven, "rijksregisternummer insz niss rijksregister registre national"),
		pii("CH_AHV", "CH", check.AHV, 1e-4, .95, "999.9999.9999.99 9999999999999", "", "ahv avs ahvn sozialversicherung navs"),
		pii("CH_UID", "CH", check.UID, .09, .9, "AAA-999.999.999", "AAA999999999", "uid mwst tva"),
		pii("AT_SVNR", "AT", check.SVNR, .04, 0, "", "9999~999999", "svnr sozialversicherungsnummer versicherungsnummer sozialversicherung svnummer"),
		pii("RO_CNP", "RO", check.CNP, .0015, 0, "", thirteen, "cnp cod numeric personal"),
		pii("SE_PERSONNUMMER", "SE", check.Personnummer, .008, .6, "999999-9999 99999999-9999 999999+9999", "9999999999 999999999999", "personnummer samordningsnummer svensk pnr"),
		pii("NO_FODSELSNUMMER", "NO", check.Fodselsnummer, .0006, .7, "999999_99999", eleven, "fødselsnummer fodselsnummer personnummer fnr"),
		pii("DK_CPR", "DK", check.CPR, .035, 0, "", "999999-9999 9999999999", "cpr cprnummer personnummer"),
		raw(pii("FI_PERSONAL_IDENTITY_CODE", "FI", check.HETU, .01, .8, "999999-999X 999999+999X 999999A999X", "", "henkilötunnus hetu personbeteckning")),
		pii("IS_KENNITALA", "IS", check.Kennitala, .001, 0, "", "999999-9999 9999999999", "kennitala kt"),
		pii("HR_OIB", "HR", check.OIB, .1, 0, "", eleven, "oib osobni"),
		pii("BG_EGN", "BG", check.EGN, .01, 0, "", ten, "egn егн"),
		pii("RS_JMBG", "RS", check.JMBG, .002, 0, "", thirteen, "jmbg matični maticni emšo emso embg"),
		pii("TR_TCKN", "TR", check.TCKN, .009, 0, "", eleven, "tckn kimlik tc vatandaşlık"),
		pii("GR_AMKA", "GR", check.AMKA, .0035, 0, "", eleven, "amka αμκα"),
		pii("GR_AFM", "GR", check.AFM, .1, 0, "", nine, "afm αφμ"),
		pii("PT_NIF", "PT", check.NIFPT, .08, 0, "", "999999999 999_999_999", "nif contribuinte fiscal"),
		pii("PT_CITIZEN_CARD", "PT", check.CitizenCardPT, .1, .55, "99999999_9_AA9", "999999999AA9 999999999A99 9999999999A9", "cartão cartao cidadão cidadao"),
		pii("CZ_RODNE_CISLO", "CZ", check.RodneCislo, .016, .6, "999999/9999", ten, "rodné rodne číslo cislo rč"),
		pii("HU_TAX_ID", "HU", check.TaxHU, .009, 0, "", ten, "adóazonosító adoazonosito adó"),
		health(pii("HU_TAJ", "HU", check.TAJ, .1, 0, "", "999999999 999~999~999", "taj társadalombiztosítási")),
		pii("IE_PPSN", "IE", check.PPSN, .04, 0, "", "9999999A 9999999AA", "pps ppsn ppsno"),
		pii("EE_ISIKUKOOD", "EE", check.Isikukood, .026, 0, "", eleven, "isikukood asmens kodas ik"),
		pii("LV_PERSONAS_KODS", "LV", check.PersonasKods, .001, .6, "999999-99999", eleven, "personas kods"),
		pii("UA_RNTRC", "UA", check.RNTRC, .04, 0, "", ten, "рнокпп rntrc іпн"),
		pii("RU_INN", "RU", check.INN, .01, 0, "", twelve, "инн inn"),
		pii("RU_SNILS", "RU", check.SNILS, .01, .9, "999-999-999_99", eleven+" 999-999-999-99", "снилс snils"),
	}
}
