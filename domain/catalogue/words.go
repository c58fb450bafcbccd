// SPDX-License-Identifier: EUPL-1.2

package catalogue

import (
	"strings"

	"mercator/base/person"
)

// stopword tells the words that say nothing about what is looked for.
func stopword(w string) bool { return strings.Contains(stopwords, " "+w+" ") }

// commonParts are words that the compounds of administration are made of, folded
// (umlauts written out), beside those that the services themselves use.
func commonParts() []string { return strings.Fields(parts) }

// weak tells the words that say what is to be done, and are said of every service.
func weak(w string) bool { return strings.Contains(doing, " "+stem(w)+" ") }

// doing are stems.
const doing = ` auswei schei kar platz licenc permi bescheinig urku numm anmeld abmeld ummeld meld aend verlaeng bezahl buch reservier kauf hol online formular antrag neu erstell ausstell such
 find mach bekomm termi dring schnell kost stad duisburg apply register renew change pay book new form fre get yap basvuru yenile ode al `

// aliases are other words of administration for one of everyday life: they hold for
// any service, while the synonyms of one service stand in its package.
func aliases(w string) []string {
	_, rest, ok := strings.Cut(everyday, "\n"+w+"=")
	if !ok {
		return nil
	}
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Fields(line)
}

const everyday = `
anwohner=bewohner
auto=kfz fahrzeug kraftfahrzeug
autos=kfz fahrzeug kraftfahrzeug
car=kfz fahrzeug vehicle
dog=hund
ehe=eheschliessung
fahrerlaubnis=fuehrerschein
firma=gewerbe unternehmen
fuehrerschein=fahrerlaubnis
fundbuero=fundsachen
geklaut=diebstahl
gestohlen=diebstahl
gruenden=gruendung gewerbe
heirat=eheschliessung
heiraten=eheschliessung
hochzeit=eheschliessung
id=personalausweis
kfz=fahrzeug kraftfahrzeug
kindergarten=kita tageseinrichtung kindertagesstaette
kita=kindertagesstaette tageseinrichtung
koepek=hund
laden=gewerbe
lappen=fuehrerschein fahrerlaubnis
marriage=eheschliessung
muell=abfall
nummernschild=kennzeichen
passport=reisepass
pass=reisepass
pasaport=reisepass
perso=personalausweis
selbstaendig=gewerbe
selbststaendig=gewerbe
strafzettel=verwarnung bussgeld
umziehen=ummeldung wohnsitz wohnung
umzug=ummeldung wohnsitz wohnung
verloren=verlust
zugezogen=anmeldung wohnsitz wohnung
`

const stopwords = ` der die das den dem des ein eine einer eines einem einen und oder fuer von vom zu zum zur mit ohne im in am an auf aus bei
 bis durch nach ueber unter vor um als wie ist sind wird werden kann ich mein meine meinen meiner mich mir wo was wann wer will moechte muss
 brauche beantragen beantrage stellen bitte es sich nicht auch man nur noch the a an of for to in on at my i me how do does get want need and or is are with from where can
 ve ile icin bir bu da de mi mu nasil ne nerede benim almak istiyorum `

const parts = `
park parken parkplatz platz plaetze stell stellplatz zone gebiet flaeche schein plakette vignette berechtigung bewohner anwohner einwohner handwerker gast
besucher behinderten schwerbehinderten ausweis ausweise pass reise personal kinder jugend fuehrer fahrer fahrzeug kraftfahrzeug auto wagen kfz
kennzeichen wunsch zulassung abmeldung anmeldung ummeldung meldung melde bescheinigung auskunft register gewerbe betrieb betriebs firma
unternehmen handwerk gaststaetten gast staette schank erlaubnis genehmigung ausnahme sonder nutzung antrag formular bescheid gebuehr steuer
hunde hund tier wohnung wohn wohnsitz haupt neben umzug zuzug wegzug adresse aenderung name namen ehe schliessung trauung heirat scheidung
geburt geburts urkunde sterbe sterbefall fall standes amt buerger service stadt gemeinde strasse strassen verkehr halt verbot zone baustelle
bau bauen gebaeude haus grund stueck grundstueck abriss baum faellung wald garten muell abfall sperr sperrmuell tonne wasser abwasser strom
schule schul kita tages betreuung eltern geld elterngeld kindergeld unterhalt vorschuss sozial hilfe miete wohngeld pflege rente senior
fuehrungs zeugnis fuehrungszeugnis beglaubigung unterschrift vollmacht wahl brief wahlschein partei verein versammlung demo fest markt stand
feuer werk waffe jagd angel fischerei fischer boot schiff hafen taxi bus bahn fahr karte fahrkarte ticket rad fahrrad sport halle bad museum
bibliothek buecherei volkshochschule kurs termin online digital daten schutz beschwerde petition fund buero fundbuero verlust verlaengerung
auslaender aufenthalt titel aufenthaltstitel einbuergerung staats angehoerigkeit visum integration arbeit arbeits kranken versicherung gesund
gesundheit gesundheitszeugnis impf apotheke arzt hebamme lebens mittel lebensmittel hygiene spiel automat automaten spielhalle
`

// SortKey orders titles the way people look them up: case and accents don't count.
func SortKey(s string) string { return person.Fold(s) }
