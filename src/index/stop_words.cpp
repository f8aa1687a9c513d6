#include "index/stop_words.hpp"

#include <map>

namespace narralytica::index {
namespace {

using Words = std::set<std::string_view, std::less<>>;

Words Split(std::string_view list) {
  Words words;
  while (!list.empty()) {
    const size_t end = std::min(list.find_first_of(" \n"), list.size());
    if (end > 0) words.insert(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return words;
}

constexpr std::string_view kEnglish =
    "a about after all also am an and any are as at be because been before being between both but "
    "by can could did do does doing during each for from further had has have having he her here "
    "hers him his how i if in into is it its itself just me more most my no nor not of off on once "
    "only or other our ours out over own same she should so some such than that the their theirs "
    "them then there these they this those through to too under until up very was we were what "
    "when where which while who whom why will with would you your yours it's i'm don't that's";

constexpr std::string_view kGerman =
    "aber alle allem allen aller als also am an andere anderen auch auf aus bei beim bin bis bist "
    "da damit dann das dass dazu dein deine dem den der des dich die dies diese diesem diesen "
    "dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwas euch euer "
    "eure fur gegen habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem "
    "ihren ihrer im in ins ist ja jede jedem jeden jeder jedes kann kein keine keinem keinen "
    "konnen konnte mein meine mich mir mit muss mussen nach nicht noch nun nur ob oder ohne sehr "
    "sein seine seinem seinen seiner sich sie sind so soll sollen sollte sondern um und uns unser "
    "unsere unter vom von vor war waren warum was weil weiter welche wenn wer werde werden wie "
    "wieder will wir wird wo wollen worden wurde wurden zu zum zur zwischen uber";

constexpr std::string_view kSpanish =
    "a al algo algunas algunos ante antes como con contra cual cuando de del desde donde durante e "
    "el ella ellas ellos en entre era eran es esa esas ese eso esos esta estaba estado estan estar "
    "estas este esto estos fue fueron ha haber habia han has hasta hay he la las le les lo los mas "
    "me mi mis mucho muy nada ni no nos nosotros o os otra otras otro otros para pero poco por "
    "porque que quien quienes se sea ser si sido sin sobre son soy su sus tambien tanto te tener "
    "tiene tienen toda todas todo todos tu tus un una uno unos usted vosotros y ya yo";

constexpr std::string_view kFrench =
    "a ai ainsi alors apres as au aucun aussi autre autres aux avait avec avoir avons bien c car "
    "ce cela celle ces cet cette ceux chaque comme comment d dans de des donc dont du elle elles "
    "en encore entre est et etaient etait etc ete etre eu eux fait faire font il ils j je jusqu l "
    "la le les leur leurs lui m ma mais me meme mes moi mon n ne ni nos notre nous on ont ou par "
    "parce pas peu peut plus pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa "
    "sans se sera ses si son sont sous sur t ta te tes toi ton tous tout toute toutes tres tu un "
    "une vers vos votre vous y";

constexpr std::string_view kItalian =
    "a abbiamo ad agli ai al alla alle allo anche ancora avere aveva c che chi ci come con cosa "
    "cosi cui d da dagli dai dal dalla dalle dallo degli dei del della delle dello di dove e ed "
    "era erano essere fare fra fu gli ha hanno ho i il in io l la le lei li lo loro lui ma me mi "
    "mia mio molto ne negli nei nel nella nelle nello noi non nostra nostro o ogni per perche piu "
    "poi proprio qual quale quando quanto quasi quella quelle quelli quello questa queste questi "
    "questo qui se sei senza si sia siamo sono sta stata stato su sua sue sugli sui sul sulla "
    "sulle suo suoi te ti tra tu tutti tutto un una uno vi voi";

constexpr std::string_view kPortuguese =
    "a ao aos aquela aquelas aquele aqueles aquilo as ate com como da das de dela delas dele deles "
    "depois do dos e ela elas ele eles em entre era eram essa essas esse esses esta estao estar "
    "estas estava este estes estou eu foi foram ha isso isto ja la lhe lhes mais mas me mesmo meu "
    "meus minha minhas muito na nao nas nem no nos nossa nossas nosso nossos num numa o os ou para "
    "pela pelas pelo pelos por porque qual quando que quem se sem ser sera seu seus so somos sao "
    "sua suas sobre tambem te tem tenho ter teu teve tinha tu tua um uma umas uns voce voces";

constexpr std::string_view kDutch =
    "aan al alles als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus "
    "een en er ge geen geweest haar had heb hebben heeft hem het hier hij hoe hun iemand iets ik "
    "in is ja je kan kon kunnen maar me meer men met mij mijn moet na naar niet niets nog nu of om "
    "omdat onder ons ook op over reeds te tegen toch toen tot u uit uw van veel voor want waren "
    "was wat we wel werd wezen wie wij wil worden zal ze zei zelf zich zij zijn zo zonder zou";

}  // namespace

const Words& StopWords(std::string_view language) {
  static const std::map<std::string_view, Words> lists{
      {"de", Split(kGerman)},     {"en", Split(kEnglish)}, {"es", Split(kSpanish)},
      {"fr", Split(kFrench)},     {"it", Split(kItalian)}, {"nl", Split(kDutch)},
      {"pt", Split(kPortuguese)},
  };
  static const Words none;
  const auto found = lists.find(language);
  return found == lists.end() ? none : found->second;
}

}  // namespace narralytica::index
