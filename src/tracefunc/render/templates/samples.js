// A sample is the pair of a type's name and a text: what can be known of its value.

/** Whether a sample stands for no value. */
export function isAbsent([type, text]) {
  return type === "NameError" && text === "<unavailable>";
}

/** The number that a sample shows, or null. */
export function numberOf([type, text]) {
  if (type === "bool") return text === "True" ? 1 : 0;
  if (!/^(int|float|int\d+|uint\d+|float\d+|Decimal)$/.test(type)) return null;
  const [, digits] = /^(?:[\w.]+\(')?(?:[\w.]+\()?([-+]?[\d.]+(?:e[-+]?\d+)?)'?\)*$/i.exec(text) ?? [];
  return digits === undefined || !Number.isFinite(Number(digits)) ? null : Number(digits);
}
