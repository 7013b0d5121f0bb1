// Times and amounts as they are shown.

const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
];

export function ago(unix) {
  const seconds = Math.max(0, Date.now() / 1000 - unix);
  const [name, size] = UNITS.find(([, one]) => seconds >= one) ?? [null, 1];
  return name ? `${Math.floor(seconds / size)} ${name} ago` : "just now";
}

export function seconds(value) {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
