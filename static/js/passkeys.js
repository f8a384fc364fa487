// The browser's half of a passkey: it makes one, or proves that it has one, and sends the form.
// A form says with data-passkey what it needs (create, get) and with data-options where the
// server's challenge is: the id of an element on the page, or a URL to fetch it from.
(() => {
  const able = globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON;

  const challenge = async (where) => {
    const here = document.getElementById(where);
    if (here) return JSON.parse(here.textContent);
    const answer = await fetch(where, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error("The server did not answer.");
    return answer.json();
  };

  const ask = {
    create: (options, form) => {
      const alone = form.elements.passwordless?.checked;
      Object.assign((options.authenticatorSelection ??= {}), {
        residentKey: alone ? "required" : "preferred",
        requireResidentKey: Boolean(alone),
        userVerification: alone ? "required" : "preferred",
      });
      return navigator.credentials.create({
        publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
      });
    },
    get: (options) =>
      navigator.credentials.get({
        publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
      }),
  };

  const send = async (form) => {
    const { publicKey } = await challenge(form.dataset.options);
    const credential = await ask[form.dataset.passkey](publicKey, form);
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const problem = form.querySelector("[data-problem]");
    form.hidden = !able;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      problem.hidden = true;
      send(form).catch(() => {
        problem.hidden = false;
        problem.focus();
      });
    });
  }
  for (const note of document.querySelectorAll("[data-without-passkeys]")) note.hidden = Boolean(able);
})();
