// SPDX-License-Identifier: EUPL-1.2

package xpath

// block gives the characters of a Unicode block, by the name that \p{Is…} takes: the
// block's name without its spaces. The three older names that XML Schema keeps are known too.
func block(name string) (set, bool) {
	switch name {
	case "BasicLatin":
		return set{{0x0000, 0x007F}}, true
	case "Latin-1Supplement":
		return set{{0x0080, 0x00FF}}, true
	case "LatinExtended-A":
		return set{{0x0100, 0x017F}}, true
	case "LatinExtended-B":
		return set{{0x0180, 0x024F}}, true
	case "IPAExtensions":
		return set{{0x0250, 0x02AF}}, true
	case "SpacingModifierLetters":
		return set{{0x02B0, 0x02FF}}, true
	case "CombiningDiacriticalMarks":
		return set{{0x0300, 0x036F}}, true
	case "GreekandCoptic", "Greek":
		return set{{0x0370, 0x03FF}}, true
	case "Cyrillic":
		return set{{0x0400, 0x04FF}}, true
	case "CyrillicSupplement":
		return set{{0x0500, 0x052F}}, true
	case "Armenian":
		return set{{0x0530, 0x058F}}, true
	case "Hebrew":
		return set{{0x0590, 0x05FF}}, true
	case "Arabic":
		return set{{0x0600, 0x06FF}}, true
	case "Syriac":
		return set{{0x0700, 0x074F}}, true
	case "ArabicSupplement":
		return set{{0x0750, 0x077F}}, true
	case "Thaana":
		return set{{0x0780, 0x07BF}}, true
	case "NKo":
		return set{{0x07C0, 0x07FF}}, true
	case "Samaritan":
		return set{{0x0800, 0x083F}}, true
	case "Mandaic":
		return set{{0x0840, 0x085F}}, true
	case "SyriacSupplement":
		return set{{0x0860, 0x086F}}, true
	case "ArabicExtended-B":
		return set{{0x0870, 0x089F}}, true
	case "ArabicExtended-A":
		return set{{0x08A0, 0x08FF}}, true
	case "Devanagari":
		return set{{0x0900, 0x097F}}, true
	case "Bengali":
		return set{{0x0980, 0x09FF}}, true
	case "Gurmukhi":
		return set{{0x0A00, 0x0A7F}}, true
	case "Gujarati":
		return set{{0x0A80, 0x0AFF}}, true
	case "Oriya":
		return set{{0x0B00, 0x0B7F}}, true
	case "Tamil":
		return set{{0x0B80, 0x0BFF}}, true
	case "Telugu":
		return set{{0x0C00, 0x0C7F}}, true
	case "Kannada":
		return set{{0x0C80, 0x0CFF}}, true
	case "Malayalam":
		return set{{0x0D00, 0x0D7F}}, true
	case "Sinhala":
		return set{{0x0D80, 0x0DFF}}, true
	case "Thai":
		return set{{0x0E00, 0x0E7F}}, true
	case "Lao":
		return set{{0x0E80, 0x0EFF}}, true
	case "Tibetan":
		return set{{0x0F00, 0x0FFF}}, true
	case "Myanmar":
		return set{{0x1000, 0x109F}}, true
	case "Georgian":
		return set{{0x10A0, 0x10FF}}, true
	case "HangulJamo":
		return set{{0x1100, 0x11FF}}, true
	case "Ethiopic":
		return set{{0x1200, 0x137F}}, true
	case "EthiopicSupplement":
		return set{{0x1380, 0x139F}}, true
	case "Cherokee":
		return set{{0x13A0, 0x13FF}}, true
	case "UnifiedCanadianAboriginalSyllabics":
		return set{{0x1400, 0x167F}}, true
	case "Ogham":
		return set{{0x1680, 0x169F}}, true
	case "Runic":
		return set{{0x16A0, 0x16FF}}, true
	case "Tagalog":
		return set{{0x1700, 0x171F}}, true
	case "Hanunoo":
		return set{{0x1720, 0x173F}}, true
	case "Buhid":
		return set{{0x1740, 0x175F}}, true
	case "Tagbanwa":
		return set{{0x1760, 0x177F}}, true
	case "Khmer":
		return set{{0x1780, 0x17FF}}, true
	case "Mongolian":
		return set{{0x1800, 0x18AF}}, true
	case "UnifiedCanadianAboriginalSyllabicsExtended":
		return set{{0x18B0, 0x18FF}}, true
	case "Limbu":
		return set{{0x1900, 0x194F}}, true
	case "TaiLe":
		return set{{0x1950, 0x197F}}, true
	case "NewTaiLue":
		return set{{0x1980, 0x19DF}}, true
	case "KhmerSymbols":
		return set{{0x19E0, 0x19FF}}, true
	case "Buginese":
		return set{{0x1A00, 0x1A1F}}, true
	case "TaiTham":
		return set{{0x1A20, 0x1AAF}}, true
	case "CombiningDiacriticalMarksExtended":
		return set{{0x1AB0, 0x1AFF}}, true
	case "Balinese":
		return set{{0x1B00, 0x1B7F}}, true
	case "Sundanese":
		return set{{0x1B80, 0x1BBF}}, true
	case "Batak":
		return set{{0x1BC0, 0x1BFF}}, true
	case "Lepcha":
		return set{{0x1C00, 0x1C4F}}, true
	case "OlChiki":
		return set{{0x1C50, 0x1C7F}}, true
	case "CyrillicExtended-C":
		return set{{0x1C80, 0x1C8F}}, true
	case "GeorgianExtended":
		return set{{0x1C90, 0x1CBF}}, true
	case "SundaneseSupplement":
		return set{{0x1CC0, 0x1CCF}}, true
	case "VedicExtensions":
		return set{{0x1CD0, 0x1CFF}}, true
	case "PhoneticExtensions":
		return set{{0x1D00, 0x1D7F}}, true
	case "PhoneticExtensionsSupplement":
		return set{{0x1D80, 0x1DBF}}, true
	case "CombiningDiacriticalMarksSupplement":
		return set{{0x1DC0, 0x1DFF}}, true
	case "LatinExtendedAdditional":
		return set{{0x1E00, 0x1EFF}}, true
	case "GreekExtended":
		return set{{0x1F00, 0x1FFF}}, true
	case "GeneralPunctuation":
		return set{{0x2000, 0x206F}}, true
	case "SuperscriptsandSubscripts":
		return set{{0x2070, 0x209F}}, true
	case "CurrencySymbols":
		return set{{0x20A0, 0x20CF}}, true
	case "CombiningDiacriticalMarksforSymbols", "CombiningMarksforSymbols":
		return set{{0x20D0, 0x20FF}}, true
	case "LetterlikeSymbols":
		return set{{0x2100, 0x214F}}, true
	case "NumberForms":
		return set{{0x2150, 0x218F}}, true
	case "Arrows":
		return set{{0x2190, 0x21FF}}, true
	case "MathematicalOperators":
		return set{{0x2200, 0x22FF}}, true
	case "MiscellaneousTechnical":
		return set{{0x2300, 0x23FF}}, true
	case "ControlPictures":
		return set{{0x2400, 0x243F}}, true
	case "OpticalCharacterRecognition":
		return set{{0x2440, 0x245F}}, true
	case "EnclosedAlphanumerics":
		return set{{0x2460, 0x24FF}}, true
	case "BoxDrawing":
		return set{{0x2500, 0x257F}}, true
	case "BlockElements":
		return set{{0x2580, 0x259F}}, true
	case "GeometricShapes":
		return set{{0x25A0, 0x25FF}}, true
	case "MiscellaneousSymbols":
		return set{{0x2600, 0x26FF}}, true
	case "Dingbats":
		return set{{0x2700, 0x27BF}}, true
	case "MiscellaneousMathematicalSymbols-A":
		return set{{0x27C0, 0x27EF}}, true
	case "SupplementalArrows-A":
		return set{{0x27F0, 0x27FF}}, true
	case "BraillePatterns":
		return set{{0x2800, 0x28FF}}, true
	case "SupplementalArrows-B":
		return set{{0x2900, 0x297F}}, true
	case "MiscellaneousMathematicalSymbols-B":
		return set{{0x2980, 0x29FF}}, true
	case "SupplementalMathematicalOperators":
		return set{{0x2A00, 0x2AFF}}, true
	case "MiscellaneousSymbolsandArrows":
		return set{{0x2B00, 0x2BFF}}, true
	case "Glagolitic":
		return set{{0x2C00, 0x2C5F}}, true
	case "LatinExtended-C":
		return set{{0x2C60, 0x2C7F}}, true
	case "Coptic":
		return set{{0x2C80, 0x2CFF}}, true
	case "GeorgianSupplement":
		return set{{0x2D00, 0x2D2F}}, true
	case "Tifinagh":
		return set{{0x2D30, 0x2D7F}}, true
	case "EthiopicExtended":
		return set{{0x2D80, 0x2DDF}}, true
	case "CyrillicExtended-A":
		return set{{0x2DE0, 0x2DFF}}, true
	case "SupplementalPunctuation":
		return set{{0x2E00, 0x2E7F}}, true
	case "CJKRadicalsSupplement":
		return set{{0x2E80, 0x2EFF}}, true
	case "KangxiRadicals":
		return set{{0x2F00, 0x2FDF}}, true
	case "IdeographicDescriptionCharacters":
		return set{{0x2FF0, 0x2FFF}}, true
	case "CJKSymbolsandPunctuation":
		return set{{0x3000, 0x303F}}, true
	case "Hiragana":
		return set{{0x3040, 0x309F}}, true
	case "Katakana":
		return set{{0x30A0, 0x30FF}}, true
	case "Bopomofo":
		return set{{0x3100, 0x312F}}, true
	case "HangulCompatibilityJamo":
		return set{{0x3130, 0x318F}}, true
	case "Kanbun":
		return set{{0x3190, 0x319F}}, true
	case "BopomofoExtended":
		return set{{0x31A0, 0x31BF}}, true
	case "CJKStrokes":
		return set{{0x31C0, 0x31EF}}, true
	case "KatakanaPhoneticExtensions":
		return set{{0x31F0, 0x31FF}}, true
	case "EnclosedCJKLettersandMonths":
		return set{{0x3200, 0x32FF}}, true
	case "CJKCompatibility":
		return set{{0x3300, 0x33FF}}, true
	case "CJKUnifiedIdeographsExtensionA":
		return set{{0x3400, 0x4DBF}}, true
	case "YijingHexagramSymbols":
		return set{{0x4DC0, 0x4DFF}}, true
	case "CJKUnifiedIdeographs":
		return set{{0x4E00, 0x9FFF}}, true
	case "YiSyllables":
		return set{{0xA000, 0xA48F}}, true
	case "YiRadicals":
		return set{{0xA490, 0xA4CF}}, true
	case "Lisu":
		return set{{0xA4D0, 0xA4FF}}, true
	case "Vai":
		return set{{0xA500, 0xA63F}}, true
	case "CyrillicExtended-B":
		return set{{0xA640, 0xA69F}}, true
	case "Bamum":
		return set{{0xA6A0, 0xA6FF}}, true
	case "ModifierToneLetters":
		return set{{0xA700, 0xA71F}}, true
	case "LatinExtended-D":
		return set{{0xA720, 0xA7FF}}, true
	case "SylotiNagri":
		return set{{0xA800, 0xA82F}}, true
	case "CommonIndicNumberForms":
		return set{{0xA830, 0xA83F}}, true
	case "Phags-pa":
		return set{{0xA840, 0xA87F}}, true
	case "Saurashtra":
		return set{{0xA880, 0xA8DF}}, true
	case "DevanagariExtended":
		return set{{0xA8E0, 0xA8FF}}, true
	case "KayahLi":
		return set{{0xA900, 0xA92F}}, true
	case "Rejang":
		return set{{0xA930, 0xA95F}}, true
	case "HangulJamoExtended-A":
		return set{{0xA960, 0xA97F}}, true
	case "Javanese":
		return set{{0xA980, 0xA9DF}}, true
	case "MyanmarExtended-B":
		return set{{0xA9E0, 0xA9FF}}, true
	case "Cham":
		return set{{0xAA00, 0xAA5F}}, true
	case "MyanmarExtended-A":
		return set{{0xAA60, 0xAA7F}}, true
	case "TaiViet":
		return set{{0xAA80, 0xAADF}}, true
	case "MeeteiMayekExtensions":
		return set{{0xAAE0, 0xAAFF}}, true
	case "EthiopicExtended-A":
		return set{{0xAB00, 0xAB2F}}, true
	case "LatinExtended-E":
		return set{{0xAB30, 0xAB6F}}, true
	case "CherokeeSupplement":
		return set{{0xAB70, 0xABBF}}, true
	case "MeeteiMayek":
		return set{{0xABC0, 0xABFF}}, true
	case "HangulSyllables":
		return set{{0xAC00, 0xD7AF}}, true
	case "HangulJamoExtended-B":
		return set{{0xD7B0, 0xD7FF}}, true
	case "HighSurrogates":
		return set{{0xD800, 0xDB7F}}, true
	case "HighPrivateUseSurrogates":
		return set{{0xDB80, 0xDBFF}}, true
	case "LowSurrogates":
		return set{{0xDC00, 0xDFFF}}, true
	case "PrivateUseArea":
		return set{{0xE000, 0xF8FF}}, true
	case "CJKCompatibilityIdeographs":
		return set{{0xF900, 0xFAFF}}, true
	case "AlphabeticPresentationForms":
		return set{{0xFB00, 0xFB4F}}, true
	case "ArabicPresentationForms-A":
		return set{{0xFB50, 0xFDFF}}, true
	case "VariationSelectors":
		return set{{0xFE00, 0xFE0F}}, true
	case "VerticalForms":
		return set{{0xFE10, 0xFE1F}}, true
	case "CombiningHalfMarks":
		return set{{0xFE20, 0xFE2F}}, true
	case "CJKCompatibilityForms":
		return set{{0xFE30, 0xFE4F}}, true
	case "SmallFormVariants":
		return set{{0xFE50, 0xFE6F}}, true
	case "ArabicPresentationForms-B":
		return set{{0xFE70, 0xFEFF}}, true
	case "HalfwidthandFullwidthForms":
		return set{{0xFF00, 0xFFEF}}, true
	case "Specials":
		return set{{0xFFF0, 0xFFFF}}, true
	case "LinearBSyllabary":
		return set{{0x10000, 0x1007F}}, true
	case "LinearBIdeograms":
		return set{{0x10080, 0x100FF}}, true
	case "AegeanNumbers":
		return set{{0x10100, 0x1013F}}, true
	case "AncientGreekNumbers":
		return set{{0x10140, 0x1018F}}, true
	case "AncientSymbols":
		return set{{0x10190, 0x101CF}}, true
	case "PhaistosDisc":
		return set{{0x101D0, 0x101FF}}, true
	case "Lycian":
		return set{{0x10280, 0x1029F}}, true
	case "Carian":
		return set{{0x102A0, 0x102DF}}, true
	case "CopticEpactNumbers":
		return set{{0x102E0, 0x102FF}}, true
	case "OldItalic":
		return set{{0x10300, 0x1032F}}, true
	case "Gothic":
		return set{{0x10330, 0x1034F}}, true
	case "OldPermic":
		return set{{0x10350, 0x1037F}}, true
	case "Ugaritic":
		return set{{0x10380, 0x1039F}}, true
	case "OldPersian":
		return set{{0x103A0, 0x103DF}}, true
	case "Deseret":
		return set{{0x10400, 0x1044F}}, true
	case "Shavian":
		return set{{0x10450, 0x1047F}}, true
	case "Osmanya":
		return set{{0x10480, 0x104AF}}, true
	case "Osage":
		return set{{0x104B0, 0x104FF}}, true
	case "Elbasan":
		return set{{0x10500, 0x1052F}}, true
	case "CaucasianAlbanian":
		return set{{0x10530, 0x1056F}}, true
	case "Vithkuqi":
		return set{{0x10570, 0x105BF}}, true
	case "LinearA":
		return set{{0x10600, 0x1077F}}, true
	case "LatinExtended-F":
		return set{{0x10780, 0x107BF}}, true
	case "CypriotSyllabary":
		return set{{0x10800, 0x1083F}}, true
	case "ImperialAramaic":
		return set{{0x10840, 0x1085F}}, true
	case "Palmyrene":
		return set{{0x10860, 0x1087F}}, true
	case "Nabataean":
		return set{{0x10880, 0x108AF}}, true
	case "Hatran":
		return set{{0x108E0, 0x108FF}}, true
	case "Phoenician":
		return set{{0x10900, 0x1091F}}, true
	case "Lydian":
		return set{{0x10920, 0x1093F}}, true
	case "MeroiticHieroglyphs":
		return set{{0x10980, 0x1099F}}, true
	case "MeroiticCursive":
		return set{{0x109A0, 0x109FF}}, true
	case "Kharoshthi":
		return set{{0x10A00, 0x10A5F}}, true
	case "OldSouthArabian":
		return set{{0x10A60, 0x10A7F}}, true
	case "OldNorthArabian":
		return set{{0x10A80, 0x10A9F}}, true
	case "Manichaean":
		return set{{0x10AC0, 0x10AFF}}, true
	case "Avestan":
		return set{{0x10B00, 0x10B3F}}, true
	case "InscriptionalParthian":
		return set{{0x10B40, 0x10B5F}}, true
	case "InscriptionalPahlavi":
		return set{{0x10B60, 0x10B7F}}, true
	case "PsalterPahlavi":
		return set{{0x10B80, 0x10BAF}}, true
	case "OldTurkic":
		return set{{0x10C00, 0x10C4F}}, true
	case "OldHungarian":
		return set{{0x10C80, 0x10CFF}}, true
	case "HanifiRohingya":
		return set{{0x10D00, 0x10D3F}}, true
	case "RumiNumeralSymbols":
		return set{{0x10E60, 0x10E7F}}, true
	case "Yezidi":
		return set{{0x10E80, 0x10EBF}}, true
	case "OldSogdian":
		return set{{0x10F00, 0x10F2F}}, true
	case "Sogdian":
		return set{{0x10F30, 0x10F6F}}, true
	case "OldUyghur":
		return set{{0x10F70, 0x10FAF}}, true
	case "Chorasmian":
		return set{{0x10FB0, 0x10FDF}}, true
	case "Elymaic":
		return set{{0x10FE0, 0x10FFF}}, true
	case "Brahmi":
		return set{{0x11000, 0x1107F}}, true
	case "Kaithi":
		return set{{0x11080, 0x110CF}}, true
	case "SoraSompeng":
		return set{{0x110D0, 0x110FF}}, true
	case "Chakma":
		return set{{0x11100, 0x1114F}}, true
	case "Mahajani":
		return set{{0x11150, 0x1117F}}, true
	case "Sharada":
		return set{{0x11180, 0x111DF}}, true
	case "SinhalaArchaicNumbers":
		return set{{0x111E0, 0x111FF}}, true
	case "Khojki":
		return set{{0x11200, 0x1124F}}, true
	case "Multani":
		return set{{0x11280, 0x112AF}}, true
	case "Khudawadi":
		return set{{0x112B0, 0x112FF}}, true
	case "Grantha":
		return set{{0x11300, 0x1137F}}, true
	case "Newa":
		return set{{0x11400, 0x1147F}}, true
	case "Tirhuta":
		return set{{0x11480, 0x114DF}}, true
	case "Siddham":
		return set{{0x11580, 0x115FF}}, true
	case "Modi":
		return set{{0x11600, 0x1165F}}, true
	case "MongolianSupplement":
		return set{{0x11660, 0x1167F}}, true
	case "Takri":
		return set{{0x11680, 0x116CF}}, true
	case "Ahom":
		return set{{0x11700, 0x1174F}}, true
	case "Dogra":
		return set{{0x11800, 0x1184F}}, true
	case "WarangCiti":
		return set{{0x118A0, 0x118FF}}, true
	case "DivesAkuru":
		return set{{0x11900, 0x1195F}}, true
	case "Nandinagari":
		return set{{0x119A0, 0x119FF}}, true
	case "ZanabazarSquare":
		return set{{0x11A00, 0x11A4F}}, true
	case "Soyombo":
		return set{{0x11A50, 0x11AAF}}, true
	case "UnifiedCanadianAboriginalSyllabicsExtended-A":
		return set{{0x11AB0, 0x11ABF}}, true
	case "PauCinHau":
		return set{{0x11AC0, 0x11AFF}}, true
	case "Bhaiksuki":
		return set{{0x11C00, 0x11C6F}}, true
	case "Marchen":
		return set{{0x11C70, 0x11CBF}}, true
	case "MasaramGondi":
		return set{{0x11D00, 0x11D5F}}, true
	case "GunjalaGondi":
		return set{{0x11D60, 0x11DAF}}, true
	case "Makasar":
		return set{{0x11EE0, 0x11EFF}}, true
	case "LisuSupplement":
		return set{{0x11FB0, 0x11FBF}}, true
	case "TamilSupplement":
		return set{{0x11FC0, 0x11FFF}}, true
	case "Cuneiform":
		return set{{0x12000, 0x123FF}}, true
	case "CuneiformNumbersandPunctuation":
		return set{{0x12400, 0x1247F}}, true
	case "EarlyDynasticCuneiform":
		return set{{0x12480, 0x1254F}}, true
	case "Cypro-Minoan":
		return set{{0x12F90, 0x12FFF}}, true
	case "EgyptianHieroglyphs":
		return set{{0x13000, 0x1342F}}, true
	case "EgyptianHieroglyphFormatControls":
		return set{{0x13430, 0x1343F}}, true
	case "AnatolianHieroglyphs":
		return set{{0x14400, 0x1467F}}, true
	case "BamumSupplement":
		return set{{0x16800, 0x16A3F}}, true
	case "Mro":
		return set{{0x16A40, 0x16A6F}}, true
	case "Tangsa":
		return set{{0x16A70, 0x16ACF}}, true
	case "BassaVah":
		return set{{0x16AD0, 0x16AFF}}, true
	case "PahawhHmong":
		return set{{0x16B00, 0x16B8F}}, true
	case "Medefaidrin":
		return set{{0x16E40, 0x16E9F}}, true
	case "Miao":
		return set{{0x16F00, 0x16F9F}}, true
	case "IdeographicSymbolsandPunctuation":
		return set{{0x16FE0, 0x16FFF}}, true
	case "Tangut":
		return set{{0x17000, 0x187FF}}, true
	case "TangutComponents":
		return set{{0x18800, 0x18AFF}}, true
	case "KhitanSmallScript":
		return set{{0x18B00, 0x18CFF}}, true
	case "TangutSupplement":
		return set{{0x18D00, 0x18D7F}}, true
	case "KanaExtended-B":
		return set{{0x1AFF0, 0x1AFFF}}, true
	case "KanaSupplement":
		return set{{0x1B000, 0x1B0FF}}, true
	case "KanaExtended-A":
		return set{{0x1B100, 0x1B12F}}, true
	case "SmallKanaExtension":
		return set{{0x1B130, 0x1B16F}}, true
	case "Nushu":
		return set{{0x1B170, 0x1B2FF}}, true
	case "Duployan":
		return set{{0x1BC00, 0x1BC9F}}, true
	case "ShorthandFormatControls":
		return set{{0x1BCA0, 0x1BCAF}}, true
	case "ZnamennyMusicalNotation":
		return set{{0x1CF00, 0x1CFCF}}, true
	case "ByzantineMusicalSymbols":
		return set{{0x1D000, 0x1D0FF}}, true
	case "MusicalSymbols":
		return set{{0x1D100, 0x1D1FF}}, true
	case "AncientGreekMusicalNotation":
		return set{{0x1D200, 0x1D24F}}, true
	case "MayanNumerals":
		return set{{0x1D2E0, 0x1D2FF}}, true
	case "TaiXuanJingSymbols":
		return set{{0x1D300, 0x1D35F}}, true
	case "CountingRodNumerals":
		return set{{0x1D360, 0x1D37F}}, true
	case "MathematicalAlphanumericSymbols":
		return set{{0x1D400, 0x1D7FF}}, true
	case "SuttonSignWriting":
		return set{{0x1D800, 0x1DAAF}}, true
	case "LatinExtended-G":
		return set{{0x1DF00, 0x1DFFF}}, true
	case "GlagoliticSupplement":
		return set{{0x1E000, 0x1E02F}}, true
	case "NyiakengPuachueHmong":
		return set{{0x1E100, 0x1E14F}}, true
	case "Toto":
		return set{{0x1E290, 0x1E2BF}}, true
	case "Wancho":
		return set{{0x1E2C0, 0x1E2FF}}, true
	case "EthiopicExtended-B":
		return set{{0x1E7E0, 0x1E7FF}}, true
	case "MendeKikakui":
		return set{{0x1E800, 0x1E8DF}}, true
	case "Adlam":
		return set{{0x1E900, 0x1E95F}}, true
	case "IndicSiyaqNumbers":
		return set{{0x1EC70, 0x1ECBF}}, true
	case "OttomanSiyaqNumbers":
		return set{{0x1ED00, 0x1ED4F}}, true
	case "ArabicMathematicalAlphabeticSymbols":
		return set{{0x1EE00, 0x1EEFF}}, true
	case "MahjongTiles":
		return set{{0x1F000, 0x1F02F}}, true
	case "DominoTiles":
		return set{{0x1F030, 0x1F09F}}, true
	case "PlayingCards":
		return set{{0x1F0A0, 0x1F0FF}}, true
	case "EnclosedAlphanumericSupplement":
		return set{{0x1F100, 0x1F1FF}}, true
	case "EnclosedIdeographicSupplement":
		return set{{0x1F200, 0x1F2FF}}, true
	case "MiscellaneousSymbolsandPictographs":
		return set{{0x1F300, 0x1F5FF}}, true
	case "Emoticons":
		return set{{0x1F600, 0x1F64F}}, true
	case "OrnamentalDingbats":
		return set{{0x1F650, 0x1F67F}}, true
	case "TransportandMapSymbols":
		return set{{0x1F680, 0x1F6FF}}, true
	case "AlchemicalSymbols":
		return set{{0x1F700, 0x1F77F}}, true
	case "GeometricShapesExtended":
		return set{{0x1F780, 0x1F7FF}}, true
	case "SupplementalArrows-C":
		return set{{0x1F800, 0x1F8FF}}, true
	case "SupplementalSymbolsandPictographs":
		return set{{0x1F900, 0x1F9FF}}, true
	case "ChessSymbols":
		return set{{0x1FA00, 0x1FA6F}}, true
	case "SymbolsandPictographsExtended-A":
		return set{{0x1FA70, 0x1FAFF}}, true
	case "SymbolsforLegacyComputing":
		return set{{0x1FB00, 0x1FBFF}}, true
	case "CJKUnifiedIdeographsExtensionB":
		return set{{0x20000, 0x2A6DF}}, true
	case "CJKUnifiedIdeographsExtensionC":
		return set{{0x2A700, 0x2B73F}}, true
	case "CJKUnifiedIdeographsExtensionD":
		return set{{0x2B740, 0x2B81F}}, true
	case "CJKUnifiedIdeographsExtensionE":
		return set{{0x2B820, 0x2CEAF}}, true
	case "CJKUnifiedIdeographsExtensionF":
		return set{{0x2CEB0, 0x2EBEF}}, true
	case "CJKCompatibilityIdeographsSupplement":
		return set{{0x2F800, 0x2FA1F}}, true
	case "CJKUnifiedIdeographsExtensionG":
		return set{{0x30000, 0x3134F}}, true
	case "Tags":
		return set{{0xE0000, 0xE007F}}, true
	case "VariationSelectorsSupplement":
		return set{{0xE0100, 0xE01EF}}, true
	case "SupplementaryPrivateUseArea-A":
		return set{{0xF0000, 0xFFFFF}}, true
	case "SupplementaryPrivateUseArea-B":
		return set{{0x100000, 0x10FFFF}}, true
	case "PrivateUse":
		return set{{0xE000, 0xF8FF}, {0xF0000, 0xFFFFD}, {0x100000, 0x10FFFD}}, true
	// blocks that came after Unicode 14
	case "ArabicExtended-C":
		return set{{0x10EC0, 0x10EFF}}, true
	case "DevanagariExtended-A":
		return set{{0x11B00, 0x11B5F}}, true
	case "Kawi":
		return set{{0x11F00, 0x11F5F}}, true
	case "KaktovikNumerals":
		return set{{0x1D2C0, 0x1D2DF}}, true
	case "CyrillicExtended-D":
		return set{{0x1E030, 0x1E08F}}, true
	case "NagMundari":
		return set{{0x1E4D0, 0x1E4FF}}, true
	case "CJKUnifiedIdeographsExtensionH":
		return set{{0x31350, 0x323AF}}, true
	case "CJKUnifiedIdeographsExtensionI":
		return set{{0x2EBF0, 0x2EE5F}}, true
	}
	return nil, false
}
