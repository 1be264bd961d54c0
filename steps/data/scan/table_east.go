package scan

import "github.com/sevenfold-sec/sevenfold/steps/data/scan/check"

// eastTable holds the identifiers of Asia, Africa and Oceania.
func eastTable() []Entity {
	pii := func(name, country string, fn func([]byte) bool, chance, alone float64, strong, plain, words string) Entity {
		return Entity{Name: name, Country: country, Group: PII, Sensitivity: High, Chance: chance, check: fn, alone: alone,
			strong: strong, plain: plain, words: words}
	}
	health := func(e Entity) Entity { e.Group = PHI; return e }
	return []Entity{
		pii("IN_AADHAAR", "IN", check.Aadhaar, .08, .5, "9999_9999_9999", "999999999999 9999-9999-9999", "aadhaar aadhar uidai uid adhaar"),
		pii("IN_PAN", "IN", check.PAN, .38, .55, "AAAAA9999A", "", "pan permanent income tax"),
		pii("IN_GSTIN", "IN", check.GSTIN, .005, .9, "99AAAAA9999A9AX 99AAAAA9999AAAX", "", "gst gstin"),
		pii("IN_VOTER", "IN", check.EPIC, .1, 0, "", "AAA9999999", "voter epic election elector"),
		pii("IN_PASSPORT", "IN", nil, 1, 0, "", "A9999999", "passport"),
		pii("AU_TFN", "AU", check.TFN, .09, 0, "", "999~999~999", "tfn tax file"),
		pii("AU_ABN", "AU", check.ABN, .011, .6, "99_999_999_999", eleven, "abn business"),
		pii("AU_ACN", "AU", check.ACN, .1, 0, "", "999~999~999", "acn company"),
		health(pii("AU_MEDICARE", "AU", check.MedicareAU, .045, 0, "", "9999~99999~9 9999999999 9999_99999_99", "medicare")),
		pii("NZ_IRD", "NZ", check.IRD, .09, 0, "", "99-999-999 999-999-999 99999999 999999999", "ird inland"),
		health(pii("NZ_NHI", "NZ", check.NHI, .08, 0, "", "AAA9999", "nhi health")),
		pii("SG_NRIC_FIN", "SG", check.NRIC, .01, .7, "A9999999A", "", "nric fin singapore ic"),
		pii("KR_RRN", "KR", check.RRN, .003, .85, "999999-9999999", thirteen, "rrn resident 주민등록번호 주민"),
		pii("JP_MY_NUMBER", "JP", check.MyNumber, .1, 0, "", "9999~9999~9999", "mynumber individual マイナンバー 個人番号 kojin bango"),
		pii("CN_RESIDENT_ID", "CN", check.ResidentCN, 2e-4, .85, "999999999999999999 99999999999999999A", "", "身份证 resident identity shenfenzheng sfz"),
		pii("TW_NATIONAL_ID", "TW", check.NationalTW, .04, 0, "", "A999999999", "taiwan 身分證 national roc"),
		pii("HK_ID_CARD", "HK", check.IDCardHK, .09, 0, "", "A999999A A9999999 AA9999999 A999999(9) A999999(A) AA999999(9)", "hkid hong kong identity"),
		pii("MY_MYKAD", "MY", check.MyKad, .03, .6, "999999-99-9999", twelve, "mykad nric kad pengenalan"),
		pii("TH_TNIN", "TH", check.TNIN, .08, .8, "9-9999-99999-99-9", thirteen+" 9_9999_99999_99_9", "tnin thai บัตรประชาชน ประชาชน citizen"),
		pii("ID_NIK", "ID", check.NIK, .06, 0, "", "9999999999999999", "nik ktp kependudukan"),
		pii("IL_ID", "IL", check.IsraelID, .1, 0, "", "999999999 99999999-9", "teudat zehut israel israeli zehut תעודת"),
		pii("AE_EMIRATES_ID", "AE", check.EmiratesID, 2e-6, .95, "999-9999-9999999-9 999999999999999", "", "emirates eid هوية"),
		pii("PK_CNIC", "PK", check.CNIC, .6, .5, "99999-9999999-9", thirteen, "cnic nadra nicop"),
		pii("ZA_ID", "ZA", check.SouthAfricaID, .001, 0, "", "9999999999999 999999_9999_999", "south african rsa sa identity id"),
		pii("KW_CIVIL_ID", "KW", check.CivilKW, .001, 0, "", twelve, "civil kuwait"),
		pii("EG_NATIONAL_ID", "EG", check.NationalEG, .002, 0, "", "99999999999999", "egypt egyptian national الرقم القومي"),
	}
}
