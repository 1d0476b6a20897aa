from mirage_py import Impl, Value, both, if_impl, impl, job, key, main, match_impl, register, typ


class Words:
    """What somebody says when they meet and part."""


class Interpreter:
    """Who helps two who speak different languages."""


words = typ(Words, signature="Language.WORDS")
interpreter = typ(Interpreter, signature="Interpreter.S")

english = impl("Language.English", words)
french = impl("Language.French", words)
german = impl("Language.German", words)
languages = {"english": english, "french": french, "german": german}

shouting = impl("Language.Shouting", words >> words)


def language_of(who: str) -> Value[str]:
    """The key --WHO-language."""
    return key.enum("language", list(languages), default="english", doc=f"what the {who} speaks", group=who)


def words_of(who: str, language: Value[str]) -> Impl[Words]:
    """The words of the host or the guest, aloud with --WHO-loud."""
    spoken = match_impl(language, languages, default=english)
    loud = key.flag("loud", doc=f"make the {who} shout", group=who)
    return if_impl(loud, shouting(spoken), spoken)


host, guest = language_of("host"), language_of("guest")
alike = both(host, guest).map(lambda pair: pair[0] == pair[1])
between = if_impl(alike, impl("Interpreter.Nobody", interpreter), impl("Interpreter.Somebody", interpreter))

meeting = main("Unikernel.Main", words >> (words >> (interpreter >> job)))

register("keys", [meeting(words_of("host", host), words_of("guest", guest), between)])
